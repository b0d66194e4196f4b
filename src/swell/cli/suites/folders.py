"""Where a suite keeps its results: a folder of its own, made before anything starts."""

import time
from itertools import count
from pathlib import Path

from swell.base.errors import ConfigError, Fault

# A disk that does not even take this has no room for results.
PROBE_BYTES = 65_536


CHOOSE_HINT = "choose another folder: --results-dir"


def make_folder(parent: Path, kind: str, *, place: str = "--results-dir", hint: str = CHOOSE_HINT) -> Path:
    """Make a folder such as ``suite-20260102-030405`` in ``parent``, which no other suite has.

    ``place`` and ``hint`` are those of the fault where it cannot be made.

    Raises:
        ConfigError: it cannot be made there, or nothing can be written into it.
    """
    stem = time.strftime(f"{kind}-%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                # Another suite began in the same second.
                continue
            break
        probe = folder / "probe"
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError((Fault(place, f"{parent}: {error.strerror}", hint),)) from error
    return folder


def require_writable(path: Path, flag: str) -> None:
    """See that the file at ``path`` can be written, before what goes into it is made; it stays as it is.

    Raises:
        ConfigError: it cannot.
    """
    try:
        is_new = not path.exists()
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise ConfigError((Fault(flag, f"{path}: {error.strerror}"),)) from error
