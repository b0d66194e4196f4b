"""What is seen of a run while it goes on: nothing, lines in k6's style, or (in ``live``) a terminal view.

All are driven from the coordinator's single-threaded loop: ``start``, then ``phase``, ``update`` and ``log``
in any order, ``stop`` at the end. None of them owns a thread or a timer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, TextIO

from swell.base.clock import NS_PER_SECOND, monotonic_ns
from swell.base.units import format_duration
from swell.metrics.snapshot import ScenarioState, Snapshot
from swell.report.ansi import cell_width, ellipsised, pad, printable
from swell.report.logs import LogFormat, format_log_line, is_shown, short_log_line, write_line
from swell.report.numbers import format_elapsed, to_fixed

PLAIN_INTERVAL_NS = NS_PER_SECOND
NAME_WIDTH = 30
# k6's signs for what a scenario is doing.
STATUS_RUNES = {"waiting": "•", "running": " ", "stopping": "↓", "interrupted": "✗", "done": "✓"}
_SHARED_MODEL = "shared-iterations"
_PER_VU_MODEL = "per-vu-iterations"


class Progress(Protocol):
    """The view of a run while it goes on."""

    def start(self) -> None:
        """Begin to show."""
        ...

    def phase(self, text: str) -> None:
        """Say what happens before and after the scenarios: ``Init VUs...``, ``setup()``, ``teardown()``."""
        ...

    def update(self, snapshot: Snapshot) -> None:
        """Show this state; may be called as often as is convenient."""
        ...

    def log(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        """Write one line of the log where it does not disturb the view."""
        ...

    def stop(self) -> None:
        """Show the last state and leave the terminal as it was; safe to call at any time, and twice."""
        ...


class LogWriter:
    """Writes the run's log to one stream in the form that suits it."""

    def __init__(
        self,
        stream: TextIO,
        *,
        is_tty: bool = False,
        colour: bool = False,
        log_format: LogFormat = "text",
        verbose: bool = False,
        now_ns: Callable[[], int] = monotonic_ns,
        wall_clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.stream = stream
        self.is_tty = is_tty
        self._colour = colour
        self._format: LogFormat = log_format
        self._verbose = verbose
        self._now_ns = now_ns
        self._wall_clock = wall_clock
        self._started_ns = now_ns()

    def line(self, level: str, message: str, fields: Mapping[str, str]) -> str | None:
        """The line as it would be written, or None where its level is not shown."""
        if not is_shown(level, self._verbose):
            return None
        if self.is_tty and self._format == "text":
            elapsed_s = (self._now_ns() - self._started_ns) // NS_PER_SECOND
            return short_log_line(level, message, fields, elapsed_s=elapsed_s, colour=self._colour)
        return format_log_line(level, message, fields, now=self._wall_clock(), log_format=self._format)

    def write(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        """Write one line."""
        line = self.line(level, message, fields)
        if line is not None:
            write_line(self.stream, line)


class QuietProgress:
    """Shows the log and nothing else (``--quiet``)."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log

    def start(self) -> None:
        """Nothing to begin."""

    def phase(self, text: str) -> None:
        """Not shown."""

    def update(self, snapshot: Snapshot) -> None:
        """Not shown."""

    def log(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        """Write one line of the log."""
        self._log.write(level, message, fields)

    def stop(self) -> None:
        """Nothing to end."""


class PlainProgress(QuietProgress):
    """Writes the state once a second as lines, for pipes and CI logs."""

    def __init__(self, stream: TextIO, log: LogWriter, *, now_ns: Callable[[], int] = monotonic_ns) -> None:
        super().__init__(log)
        self._stream = stream
        self._now_ns = now_ns
        self._next_ns = 0
        self._latest: Snapshot | None = None
        self._is_written = True
        self._phase = ""

    def start(self) -> None:
        """The first lines come a second from now."""
        self._next_ns = self._now_ns() + PLAIN_INTERVAL_NS

    def phase(self, text: str) -> None:
        """One line whenever the phase changes."""
        if text and text != self._phase:
            self._write([f"{'Init' if self._latest is None else 'End':<4} [   -  ] {printable(text)}"])
        self._phase = text

    def update(self, snapshot: Snapshot) -> None:
        """Write the lines if a second has passed since the last ones."""
        self._latest, self._is_written = snapshot, False
        now_ns = self._now_ns()
        if now_ns >= self._next_ns:
            self._next_ns += PLAIN_INTERVAL_NS
            if self._next_ns <= now_ns:
                # No burst of lines after a pause.
                self._next_ns = now_ns + PLAIN_INTERVAL_NS
            self._write_latest()

    def stop(self) -> None:
        """Write the last state unless it stands there already."""
        if not self._is_written:
            self._write_latest()

    def _write_latest(self) -> None:
        if self._latest is not None:
            self._is_written = True
            self._write(progress_lines(self._latest))

    def _write(self, lines: list[str]) -> None:
        self._stream.write("\n" + "".join(f"{line}\n" for line in lines))
        self._stream.flush()


def open_progress(
    *,
    stdout: TextIO,
    log: LogWriter,
    stdout_is_tty: bool,
    quiet: bool = False,
    colour: bool = True,
    plain: Callable[[TextIO, LogWriter], Progress] | None = None,
    now_ns: Callable[[], int] = monotonic_ns,
) -> Progress:
    """The view that suits the output; the terminal view (and rich) is only loaded for a terminal.

    ``plain`` makes another view than lines for where there is no terminal.
    """
    if quiet:
        return QuietProgress(log)
    if not stdout_is_tty:
        return plain(stdout, log) if plain else PlainProgress(stdout, log, now_ns=now_ns)
    from swell.report.live import LiveProgress  # noqa: PLC0415 - rich takes 60 ms, and only terminals need it

    return LiveProgress(stdout, log, colour=colour, now_ns=now_ns)


# Lines in k6's style.


def progress_lines(snapshot: Snapshot) -> list[str]:
    """The line of the whole run, then one per scenario."""
    names = [ellipsised(state.name, NAME_WIDTH) for state in snapshot.scenarios]
    widest = max(map(cell_width, names), default=0)
    return [
        run_line(snapshot),
        *(
            _scenario_line(pad(name, widest), state, snapshot.run.duration_ns)
            for name, state in zip(names, snapshot.scenarios, strict=True)
        ),
    ]


def run_line(snapshot: Snapshot) -> str:
    """``running (00m01.0s), 0/4 VUs, 9 complete and 0 interrupted iterations``."""
    run, states = snapshot.run, snapshot.scenarios
    longest_ns = longest_run_ns(snapshot)
    most = max(run.scenarios_max_vus, max((state.max_vus for state in states), default=0))
    vus = sum(state.vus for state in states)
    complete = sum(state.iterations for state in states)
    interrupted = sum(state.interrupted for state in states)
    elapsed = format_elapsed(run.duration_ns, longest_ns)
    text = (
        f"running ({elapsed}), {vus:0{len(str(most))}d}/{most} VUs, "
        f"{complete} complete and {interrupted} interrupted iterations"
    )
    dropped = sum(state.dropped for state in states)
    return f"{text}, {dropped} dropped" if dropped else text


def longest_run_ns(snapshot: Snapshot) -> int:
    """When the last scenario's regular duration ends, from the start of the run."""
    ends_ns = (state.start_time_ns + state.duration_ns for state in snapshot.scenarios)
    # One that follows another has no start of its own; the plan knows its latest.
    return max(snapshot.run.planned_ns, *ends_ns, 0)


def _scenario_line(name: str, state: ScenarioState, elapsed_ns: int) -> str:
    rune = STATUS_RUNES[state.status]
    percent = f"[ {min(1.0, max(0.0, state.progress)) * 100:3.0f}% ]"
    if state.status == "waiting":
        return f"{name} {rune} {percent} {waiting_text(state, elapsed_ns)}"
    return f"{name} {rune} {percent} {'  '.join(scenario_columns(state))}"


def waiting_text(state: ScenarioState, elapsed_ns: int) -> str:
    """How long a scenario still waits; one that follows another has no fixed start."""
    left_ns = state.start_time_ns - elapsed_ns
    return f"waiting {format_elapsed(left_ns, state.start_time_ns)}" if left_ns > 0 else "waiting"


def scenario_columns(state: ScenarioState) -> list[str]:
    """What stands right of a scenario's bar, by executor."""
    spent = f"{format_elapsed(min(state.elapsed_ns, state.duration_ns), state.duration_ns)}"
    time = f"{spent}/{format_duration(state.duration_ns)}"
    digits = len(str(state.max_vus))
    if state.planned_rate is not None:
        return [
            f"{state.vus:0{digits}d}/{state.max_vus:0{digits}d} VUs",
            time,
            f"{to_fixed(state.planned_rate, 2)} iters/s",
        ]
    vus = (
        f"{state.vus:0{digits}d}/{state.max_vus} VUs"
        if state.executor == "ramping-vus"
        else f"{state.max_vus} VUs"
    )
    columns = [vus, time]
    if state.iterations_total is not None:
        total = str(state.iterations_total)
        done = f"{state.iterations:0{len(total)}d}/{total}"
        if state.executor == _SHARED_MODEL:
            columns.append(f"{done} shared iters")
        elif state.executor == _PER_VU_MODEL and state.max_vus:
            columns += [f"{done} iters, {state.iterations_total // state.max_vus} per VU"]
        else:
            columns.append(f"{done} iters")
    return columns
