"""``swell suite``: runs the tests of a folder with one table of verdicts."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from swell.base.errors import ExitCode
from swell.cli.parameters import suggest_folder
from swell.cli.suites.cases import cases_of, with_faults
from swell.cli.suites.platform import own_platform
from swell.cli.suites.preflight import check_targets
from swell.cli.suites.processes import Children
from swell.cli.suites.proof import Prover
from swell.cli.suites.running import Job, Runner
from swell.cli.suites.tests import SuiteTest, chosen, find_tests
from swell.cli.system import System
from swell.config.environment import script_variables
from swell.config.layers import Findings
from swell.report.ansi import Painter
from swell.report.proof import proof_page, unproved
from swell.report.suite import TestResult, suite_table

RESULTS_DIR = "swell-results"


@click.group()
def command() -> None:
    """Run the tests of a suite: the scripts that its profiles.toml names."""


@command.command("run")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, shell_complete=suggest_folder)
@click.option("--profile", required=True, metavar="NAME", help="Size of the load: a profile of the suite.")
@click.option("--test", "only", multiple=True, metavar="NAME", help="Only this test; may be repeated.")
@click.option("-e", "--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable for scripts.")
@click.option(
    "--side-by-side", default=1, metavar="N", type=click.IntRange(1, 64), help="Suites at once (1)."
)
@click.option("--allow-host", "allowed", multiple=True, metavar="HOST", help="This host is for load tests.")
@click.option("--results-dir", default=RESULTS_DIR, metavar="DIR", help="Where results are kept.")
@click.pass_obj
def run_command(
    system: System,
    /,
    folders: Sequence[str],
    profile: str,
    only: Sequence[str],
    variables: Sequence[str],
    side_by_side: int,
    allowed: Sequence[str],
    results_dir: str,
) -> ExitCode:
    """Run all tests of the suites in DIR, one after another, and print one table.

    DIR is the folder of a suite, or one with several below it. Each target is looked at before anything
    starts. The exit code is that of the first test that failed.
    """
    tests = chosen(find_tests([system.path(folder) for folder in folders], profile), only)
    findings = Findings()
    env = {**system.env, **script_variables(list(variables), findings)}
    findings.raise_if_any()
    check_targets(tests, env, allowed)
    folder = system.path(results_dir) / time.strftime("suite-%Y%m%d-%H%M%S")
    with Children() as children, system.signals(children.on_signal):
        jobs = [job_of(test, profile, folder, env) for test in tests]
        results = Runner(children, system, side_by_side).run(jobs)
    return conclude(results, tests, folder, system)


def job_of(test: SuiteTest, profile: str, folder: Path, env: Mapping[str, str]) -> Job:
    """The run of a test with a profile; its results stand below ``folder``."""
    return Job(test, folder / test.suite / test.script.stem, env, ("--profile", profile))


def conclude(
    results: Sequence[TestResult], tests: Sequence[SuiteTest], folder: Path, system: System
) -> ExitCode:
    """Print the table; the code of the first test that failed, or that of a signal where some did not run."""
    lines = suite_table(results, paint=Painter(system.color), width=system.width)
    system.stdout.write("\n" + "".join(f"{line}\n" for line in lines))
    done = {result.name for result in results}
    left = [test.name for test in tests if test.name not in done]
    if left:
        system.stdout.write(f"  not run: {', '.join(left)}\n")
    if results:
        system.stdout.write(f"  results: {folder}\n")
    system.stdout.flush()
    failed = [result.exit_code for result in results if result.exit_code]
    if len(results) < len(tests):
        return ExitCode.EXTERNAL_ABORT
    return ExitCode(failed[0]) if failed else ExitCode.OK


@command.command("prove")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, shell_complete=suggest_folder)
@click.option("--profile", default="demo", metavar="NAME", help="Size of the load (demo).")
@click.option("--test", "only", multiple=True, metavar="NAME", help="Only this test; may be repeated.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault; may be repeated.")
@click.option("--write", "page", metavar="FILE", help="Write the table as a Markdown page.")
@click.option("--results-dir", default=RESULTS_DIR, metavar="DIR", help="Where results are kept.")
@click.pass_obj
def prove_command(
    system: System,
    /,
    folders: Sequence[str],
    profile: str,
    only: Sequence[str],
    faults: Sequence[str],
    page: str | None,
    results_dir: str,
) -> ExitCode:
    """Prove that every objective can fail: run each test healthy, and with each fault of its faults.toml.

    The reference platform is started for it. The exit code is 110 where anything but what was expected
    failed.
    """
    tests = chosen(find_tests([system.path(folder) for folder in folders], profile), only)
    cases = with_faults(cases_of(tests), faults)
    folder = system.path(results_dir) / time.strftime("proof-%Y%m%d-%H%M%S")

    def say(text: str) -> None:
        system.stdout.write(f"{text}\n")
        system.stdout.flush()

    with own_platform(system, {test.target.service for test in tests}) as (children, platform):
        if platform is None:
            return ExitCode.EXTERNAL_ABORT
        rows = Prover(platform, children, system, profile, folder, say).prove(cases)
    expected = sum(row.is_as_expected for row in rows)
    if len(rows) < len(cases):
        # Stopped: what was not tried proves nothing, and a part of the table is none.
        say(f"{expected} of {len(rows)} as expected, {len(cases) - len(rows)} not tried; no page was written")
        return ExitCode.EXTERNAL_ABORT
    if page is not None:
        system.path(page).write_text(proof_page(rows, profile), encoding="utf-8")
    for test, names in unproved(rows).items():
        say(f"{test}: no fault makes fail {', '.join(names)}")
    say(f"{expected} of {len(cases)} as expected")
    return ExitCode.OK if expected == len(cases) else ExitCode.MARKED_FAILED
