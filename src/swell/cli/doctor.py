"""``swell doctor``: what limits this machine, and whether swell's latencies are true on it."""

import click

from swell.base.errors import ConfigError, ExitCode, Fault, SwellError
from swell.cli.system import System


@click.command()
@click.option("--quick", is_flag=True, help="One profile instead of five, 3 s each: half a minute.")
@click.option("--limits", is_flag=True, help="Only the machine's limits; nothing is measured.")
@click.option("--compare", is_flag=True, help="Also k6, Locust and wrk, as far as they are on PATH.")
@click.option("--rounds", default=1, metavar="N", help="Measure N times and take medians.")
@click.option("--vus", default=1000, metavar="N", help="Virtual users of each run (default 1000).")
@click.option("--duration", "seconds", type=int, metavar="SECONDS", help="Of each run (default 6, quick 3).")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on standard output.")
@click.option("--markdown", is_flag=True, help="The tables as Markdown, as they stand in the docs.")
@click.pass_obj
def command(
    system: System,
    /,
    *,
    quick: bool,
    limits: bool,
    compare: bool,
    rounds: int,
    vus: int,
    seconds: int | None,
    as_json: bool,
    markdown: bool,
) -> ExitCode:
    """Check this machine and swell's own figures on it.

    A server with known latencies runs on a core of its own and notes what it really did; swell drives load at
    it, in calm and with its core saturated, over http and https. Every reported percentile must be within 3 %
    or 300 µs of what the server did. The exit code is 111 where one is not.
    """
    _check(rounds, vus, seconds)
    import msgspec  # noqa: PLC0415 - --help needs none of these

    from swell.doctor.calibrate import Calibration, calibrate, settings  # noqa: PLC0415
    from swell.doctor.machine import Machine  # noqa: PLC0415
    from swell.doctor.text import findings_text, rows_markdown, rows_text  # noqa: PLC0415

    def write(text: str) -> None:
        system.stdout.write(text)
        system.stdout.flush()

    def say(text: str) -> None:
        system.stderr.write(f"{text}\n")
        system.stderr.flush()

    findings = Machine().findings()
    if not (as_json or markdown):
        write(f"MACHINE\n{findings_text(findings)}\n")
    calibration = Calibration((), ())
    if not limits:
        wanted = settings(quick=quick, vus=vus, seconds=seconds)
        try:
            calibration = calibrate(wanted, rounds=rounds, peers=compare, say=say)
        except (OSError, RuntimeError) as error:
            raise SwellError(f"the calibration cannot run: {error}", slug="doctor-run") from error
    if as_json:
        document = {"findings": findings, "calibration": calibration, "is_true": calibration.is_true}
        write(msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n")
    elif markdown:
        write(rows_markdown(calibration.rows))
    elif not limits:
        write(f"CALIBRATION\n\n{rows_text(calibration.rows)}\n")
        for name in calibration.missing:
            write(f"{name} is not on PATH and is left out\n")
        verdict = "are within" if calibration.is_true else "are NOT within"
        write(f"swell's figures {verdict} 3 % or 300 µs of what the server did\n")
    return ExitCode.OK if calibration.is_true else ExitCode.UNTRUSTED


def _check(rounds: int, vus: int, seconds: int | None) -> None:
    faults = [
        Fault(flag, f"{value} is too few", "at least 1")
        for flag, value in (("--rounds", rounds), ("--vus", vus), ("--duration", seconds))
        if value is not None and value < 1
    ]
    if faults:
        raise ConfigError(tuple(faults))
