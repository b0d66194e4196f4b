"""What a run leaves behind: the saved snapshot, the exported summary and the files of handle_summary.

None of it changes the exit code: a full disk on the load generator must not look like a slow service
(docs/decisions/results.md). What could not be written is said in the log: of a native script's run file by
file, of a k6 script's as k6 says it. Directories that are missing are made, but not for k6 scripts, as in k6.
"""

import errno
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

import msgspec

from swell.base.files import write_whole
from swell.base.redaction import NOTHING_SECRET, Redactor
from swell.cli.plan import Plan
from swell.cli.script_file import ScriptFile
from swell.cli.system import System
from swell.metrics.snapshot import Snapshot
from swell.report.export import machine_readable, summary_data, summary_export, to_json

SNAPSHOT_FILE = "snapshot.json"
# What a full disk says, in contrast to a file that cannot be opened.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Complain(Protocol):
    """Called with what could not be written and why, and fields for the line of the log."""

    def __call__(self, message: str, /, **fields: str) -> None:
        """Say ``message``."""
        ...


class Outputs:
    """Writes the files of one run."""

    def __init__(
        self,
        plan: Plan,
        script: ScriptFile,
        system: System,
        complain: Complain,
        redactor: Redactor = NOTHING_SECRET,
        *,
        no_colour: bool = False,
    ) -> None:
        """Write relative to ``system``'s directory; ``complain`` is told what could not be written.

        ``redactor`` keeps secrets out of everything. ``no_colour`` says that the user wants none: summaries
        of the script are told so.
        """
        self._redactor = redactor
        self._no_colour = no_colour
        self._is_k6 = script.language == "k6"
        # What k6 lists in one line at the end.
        self._unwritten: list[str] = []
        self.options = plan.options
        self._script = script
        self._system = system
        self._complain = complain

    def save(self, snapshot: Snapshot) -> str:
        """Save ``snapshot``; its path as the user would write it, or empty where it was not saved."""
        options = self.options
        if options.no_save:
            return ""
        shown = Path(options.results_dir, snapshot.run.run_id, SNAPSHOT_FILE)
        content = msgspec.json.encode(snapshot)
        if self._redactor:
            content = msgspec.json.encode(self._redactor.document(msgspec.json.decode(content)))
        try:
            self._store(shown, content, make_directory=True)
        except OSError as error:
            self._complain(f"{shown} was not written: {error.strerror or error}")
            return ""
        return str(shown)

    def export(self, snapshot: Snapshot, handled: Mapping[str, bytes]) -> None:
        """Write ``--summary-export``, unless it is among what handle_summary ``handled``.

        With the summary disabled it is not written, as in k6.
        """
        options = self.options
        if options.summary_export in handled:
            return
        if options.summary_export and options.summary_mode != "disabled":
            if options.new_machine_readable_summary:
                document = self._machine_readable(snapshot)
            else:
                document = summary_export(snapshot)
            self._write(Path(options.summary_export), to_json(self._redactor.document(document)).encode())

    def summary_argument(self, snapshot: Snapshot) -> bytes:
        """The argument of handle_summary as JSON."""
        if self.options.new_machine_readable_summary:
            return msgspec.json.encode(self._machine_readable(snapshot))
        system = self._system
        return msgspec.json.encode(
            summary_data(
                snapshot,
                stdout_is_tty=system.stdout_is_tty,
                stderr_is_tty=system.stderr_is_tty,
                no_colour=self._no_colour,
            )
        )

    def write_summary_files(self, files: Mapping[str, bytes]) -> None:
        """Write what handle_summary returned: ``stdout``, ``stderr``, or files relative to the directory."""
        streams = {"stdout": self._system.stdout, "stderr": self._system.stderr}
        for destination, content in files.items():
            stream = streams.get(destination)
            if stream is None:
                self._write(Path(destination), self._redactor.content(content))
            else:
                text = content.decode(errors="replace")
                stream.write(text)
                if text and not text.endswith("\n") and _is_same(stream, self._system.stderr):
                    # The next line of the log would stand behind it.
                    stream.write("\n")
                stream.flush()

    def tell_unwritten(self) -> None:
        """Say what of a k6 script's summary was not written, in k6's words; nothing where all was."""
        if self._unwritten:
            listed = "".join(f"\n\t- {what}" for what in self._unwritten)
            self._complain(
                "failed to handle the end-of-test summary",
                error=f"Could not save some summary information:{listed}",
            )

    def _machine_readable(self, snapshot: Snapshot) -> dict[str, Any]:
        try:
            source = self._script.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            source = ""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return machine_readable(snapshot, generated_at=now, script_source=source)

    def _write(self, shown: Path, content: bytes) -> None:
        try:
            self._store(shown, content, make_directory=not self._is_k6)
        except OSError as error:
            if self._is_k6:
                self._unwritten.append(_as_k6_says(str(shown), error))
            else:
                self._complain(f"{shown} was not written: {error.strerror or error}")

    def _store(self, shown: Path, content: bytes, *, make_directory: bool) -> None:
        path = self._system.path(str(shown))
        if make_directory:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def _as_k6_says(file: str, error: OSError) -> str:
    why = (error.strerror or str(error)).lower()
    if error.errno in _NO_ROOM:
        return f"error saving summary to '{file}' after 0 bytes: write {file}: {why}"
    return f"could not open '{file}': open {file}: {why}"


def _is_same(stream: TextIO, other: TextIO) -> bool:
    """Whether both lead to the same place, such as a terminal."""
    try:
        return os.path.sameopenfile(stream.fileno(), other.fileno())
    except OSError:
        return stream is other
