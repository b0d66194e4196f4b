"""``swell doctor``: what limits this machine, and whether swell's latencies are true on it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from swell.base.errors import ConfigError, ExitCode, Fault, SwellError
from swell.cli.system import System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swell.doctor.calibrate import Calibration
    from swell.doctor.machine import Finding

DEFAULT_VUS: Final = 1000


@click.command()
@click.option("--quick", is_flag=True, help="One profile instead of five, 3 s each: half a minute.")
@click.option("--limits", is_flag=True, help="Only the machine's limits; nothing is measured.")
@click.option("--compare", is_flag=True, help="Also k6, Locust and wrk, as far as they are on PATH.")
@click.option("--rounds", default=1, metavar="N", help="Measure N times and take medians.")
@click.option("--vus", default=DEFAULT_VUS, metavar="N", help="Virtual users of each run (default 1000).")
@click.option("--duration", "seconds", type=int, metavar="SECONDS", help="Of each run (default 6, quick 3).")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on standard output.")
@click.option("--markdown", is_flag=True, help="The tables as Markdown, as they stand in the docs.")
@click.option(
    "--write",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Put the tables into this page, between its marks.",
)
@click.pass_obj
def command(system: System, /, **asked: Any) -> ExitCode:
    """Check this machine and swell's own figures on it.

    A server with known latencies runs on a core of its own and notes what it really did; swell drives load at
    it, in calm and with its core saturated, over http and https. Every reported percentile must be within 3 %
    or 300 µs of what the server did. The exit code is 111 where one is not.
    """
    return _Doctor(system, **asked).run()


@dataclass(frozen=True, kw_only=True)
class _Doctor:
    """One call of the command."""

    system: System = field(kw_only=False)
    quick: bool
    limits: bool
    compare: bool
    rounds: int
    vus: int
    seconds: int | None
    as_json: bool
    markdown: bool
    page: Path | None

    def run(self) -> ExitCode:
        """Look at the machine, measure, and say what was found."""
        self._check()
        from swell.doctor.calibrate import Calibration  # noqa: PLC0415 - --help needs none of these
        from swell.doctor.machine import Machine  # noqa: PLC0415
        from swell.doctor.page import Page  # noqa: PLC0415
        from swell.doctor.text import findings_text  # noqa: PLC0415

        page = Page(self.page) if self.page is not None else None
        findings = Machine().findings()
        if not (self.as_json or self.markdown):
            self._write(f"MACHINE\n{findings_text(findings)}\n")
        calibration = Calibration((), ()) if self.limits else self._calibrate()
        if self.as_json:
            self._write(_json(findings, calibration))
        elif not self.limits:
            self._tell(calibration)
        if page is not None:
            try:
                page.write(calibration, self.line)
            except OSError as error:
                message = f"{self.page} cannot be written: {error.strerror or error}"
                raise SwellError(message, slug="cannot-write") from None
            self._say(f"the tables are written into {self.page}")
        return ExitCode.OK if calibration.is_true else ExitCode.UNTRUSTED

    @property
    def line(self) -> str:
        """The command line that measures the same."""
        parts = [
            "--quick" if self.quick else "",
            "--compare" if self.compare else "",
            f"--rounds {self.rounds}" if self.rounds > 1 else "",
            f"--vus {self.vus}" if self.vus != DEFAULT_VUS else "",
            f"--duration {self.seconds}" if self.seconds is not None else "",
        ]
        return " ".join(["swell doctor", *filter(None, parts)])

    def _calibrate(self) -> "Calibration":
        from swell.doctor.calibrate import calibrate, settings  # noqa: PLC0415 - --help needs none of these

        wanted = settings(quick=self.quick, vus=self.vus, seconds=self.seconds)
        try:
            return calibrate(wanted, rounds=self.rounds, peers=self.compare, say=self._say)
        except (OSError, RuntimeError) as error:
            raise SwellError(f"the calibration cannot run: {error}", slug="doctor-run") from error

    def _tell(self, calibration: "Calibration") -> None:
        from swell.doctor.text import rows_markdown, rows_text, starved_text  # noqa: PLC0415 - as above

        if self.markdown:
            self._write(rows_markdown(calibration.rows))
            return
        self._write(f"CALIBRATION\n\n{rows_text(calibration.rows)}\n")
        for name in calibration.missing:
            self._write(f"{name} is not on PATH and is left out\n")
        for what in calibration.left_out:
            self._write(f"left out: {what}\n")
        verdict = "are within" if calibration.is_true else "are NOT within"
        self._write(f"swell's figures {verdict} 3 % or 300 µs of what the server did\n")
        if calibration.starved:
            self._write(f"{starved_text(calibration.starved, len(calibration.own))}\n")

    def _check(self) -> None:
        faults = [
            Fault(flag, f"{value} is too few", "at least 1")
            for flag, value in (("--rounds", self.rounds), ("--vus", self.vus), ("--duration", self.seconds))
            if value is not None and value < 1
        ]
        if self.limits and self.page is not None:
            faults.append(Fault("--write", "--limits measures nothing that could be written"))
        if faults:
            raise ConfigError(tuple(faults))

    def _write(self, text: str) -> None:
        self.system.stdout.write(text)
        self.system.stdout.flush()

    def _say(self, text: str) -> None:
        self.system.stderr.write(f"{text}\n")
        self.system.stderr.flush()


def _json(findings: "Sequence[Finding]", calibration: "Calibration") -> str:
    import msgspec  # noqa: PLC0415 - --help needs none of these

    document = {"findings": findings, "calibration": calibration, "is_true": calibration.is_true}
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"
