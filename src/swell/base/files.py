"""Files that are there whole or not at all."""

import os
import stat
from pathlib import Path
from secrets import token_hex


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` in one step: a reader sees the old file or the whole new one.

    A pipe or device, such as /dev/stdout, is written to directly; a link stays one, and a file's mode what it
    was. Raises ``OSError``.
    """
    exists = path.exists()
    if exists and not path.is_file():
        path.write_bytes(content)
        return
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    # Beside it, as a rename is atomic within one file system only; others may write the same file now.
    temporary = path.with_name(f".{path.name}.{token_hex(8)}.partial")
    try:
        temporary.write_bytes(content)
        if exists:
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
