"""What a run leaves behind: the saved snapshot, the exported summary and the files of handle_summary.

None of it changes the exit code: a full disk on the load generator must not look like a slow service
(docs/decisions/results.md). What could not be written is said in the log.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from swell.base.redaction import NOTHING_SECRET, Redactor
from swell.cli.plan import Plan
from swell.cli.script_file import ScriptFile
from swell.cli.system import System
from swell.metrics.snapshot import Snapshot
from swell.report.export import machine_readable, summary_data, summary_export, to_json

SNAPSHOT_FILE = "snapshot.json"
# Called with what could not be written and why.
Complain = Callable[[str], None]


class Outputs:
    """Writes the files of one run."""

    def __init__(
        self,
        plan: Plan,
        script: ScriptFile,
        system: System,
        complain: Complain,
        redactor: Redactor = NOTHING_SECRET,
    ) -> None:
        """Write relative to ``system``'s directory; ``complain`` is told what could not be written.

        ``redactor`` keeps secrets out of everything.
        """
        self._redactor = redactor
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
        return str(shown) if self._write(shown, content, make_directory=True) else ""

    def export(self, snapshot: Snapshot) -> None:
        """Write ``--summary-export``; with the summary disabled it is not written, as in k6."""
        options = self.options
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
                no_colour=not system.color,
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
                stream.write(content.decode(errors="replace"))
                stream.flush()

    def _machine_readable(self, snapshot: Snapshot) -> dict[str, Any]:
        try:
            source = self._script.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            source = ""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return machine_readable(snapshot, generated_at=now, script_source=source)

    def _write(self, shown: Path, content: bytes, *, make_directory: bool = False) -> bool:
        path = self._system.path(str(shown))
        try:
            if make_directory:
                path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            self._complain(f"{shown} was not written: {error.strerror or error}")
            return False
        return True


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` in one step: a reader sees the old file or the whole new one.

    A pipe or device, such as /dev/stdout, is written to directly. Raises ``OSError``.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
