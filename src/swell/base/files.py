"""Files that are there whole or not at all."""

from pathlib import Path
from secrets import token_hex


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` in one step: a reader sees the old file or the whole new one.

    A pipe or device, such as /dev/stdout, is written to directly. Raises ``OSError``.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    # Beside it, as a rename is atomic within one file system only; others may write the same file now.
    temporary = path.with_name(f".{path.name}.{token_hex(8)}.partial")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
