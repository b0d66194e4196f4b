"""The calibration's tables inside a page of documentation: between two marks, with what was measured how."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from swell.base.errors import ConfigError, Fault
from swell.base.files import write_whole
from swell.doctor.calibrate import Calibration
from swell.doctor.generators import PEERS, Generator
from swell.doctor.machine import usable_cores
from swell.doctor.text import rows_markdown

BEGIN: Final = "<!-- figures -->"
END: Final = "<!-- end of figures -->"


class Page:
    """A file whose part between ``BEGIN`` and ``END``, each on a line, is made by the command.

    Raises ``ConfigError`` where it cannot be read or lacks one of the marks: before minutes of measuring.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError((Fault("--write", f"{path} cannot be read: {error}"),)) from error
        self._head, begin, rest = text.partition(f"{BEGIN}\n")
        _, end, self._tail = rest.partition(f"{END}\n")
        if not begin or not end:
            what = f"{path} has no lines {BEGIN} and {END}, between which the tables go"
            raise ConfigError((Fault("--write", what, "add both"),))

    def write(self, calibration: Calibration, command: str) -> None:
        """Put the tables of ``calibration``, measured by ``command``, in the place of what stood there.

        Raises ``OSError`` where the file cannot be written.
        """
        body = f"{measured_on(PEERS if '--compare' in command else ())} with `{command}`"
        lost = "".join(f"- left out: {what}\n" for what in calibration.left_out)
        figures = f"{BEGIN}\n\n{body}.\n\n{rows_markdown(calibration.rows)}\n{lost}{END}\n"
        write_whole(self._path, (self._head + figures + self._tail).encode())


def measured_on(peers: Iterable[Generator]) -> str:
    """The day, the machine and the versions, as the beginning of a sentence."""
    cores = usable_cores()
    parts = [
        f"Linux {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}",
        *(f"{peer.name} {version_of(peer)}" for peer in peers if peer.is_installed),
        f"{cores} core{'' if cores == 1 else 's'}",
    ]
    parts.append(f"load average {os.getloadavg()[0]:.1f} at the end")
    return f"Measured on {time.strftime('%Y-%m-%d')} ({', '.join(parts)})"


def version_of(generator: Generator) -> str:
    """What ``generator`` calls its version; a question mark where it says nothing of the kind."""
    said = subprocess.run(  # noqa: S603  # what the user has on PATH and asked for
        [generator.program, "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found[0] if found else "?"
