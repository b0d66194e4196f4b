"""``swell suite``: runs the tests of a folder with one table of verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from swell.base.errors import ExitCode, SwellError
from swell.base.files import write_whole
from swell.cli.parameters import suggest_folder
from swell.cli.suites.cases import Case, cases_of, with_faults
from swell.cli.suites.folders import make_folder, require_writable
from swell.cli.suites.platform import own_platforms
from swell.cli.suites.preflight import check_targets
from swell.cli.suites.processes import Children
from swell.cli.suites.proof import Prover, prove_all
from swell.cli.suites.running import Job, Runner
from swell.cli.suites.tests import SuiteTest, chosen, find_tests
from swell.cli.suites.views import SharedView, Tally, open_view
from swell.cli.system import System
from swell.config.environment import script_variables
from swell.config.layers import Findings
from swell.report.ansi import Painter
from swell.report.proof import ProofRow, proof_page, unproved
from swell.report.suite import OTHERS, TestResult, suite_table

RESULTS_DIR = "swell-results"
# The size of a proof's load, unless the fault names another.
PROOF_PROFILE = "demo"
# Who may have kept this machine from tests whose target the suite has not started.
OTHERS_AND_TARGET = f"{OTHERS}, the target among them if it is here,"


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> ExitCode | None:
    """Run the tests of a suite: the scripts that its profiles.toml names."""
    if context.invoked_subcommand is None:
        context.obj.stdout.write(context.get_help() + "\n")
    return ExitCode.OK


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
    folder = make_folder(system.path(results_dir), "suite")
    children = Children()
    with system.signals(children.on_signal):
        with children:
            jobs = [job_of(test, profile, folder, env, allowed) for test in tests]
            results = Runner(children, system, side_by_side, open_view(system)).run(jobs)
        # A Ctrl-C from here on changes nothing: there is only the table left.
        return conclude(results, tests, folder, system, others=OTHERS_AND_TARGET)


def job_of(
    test: SuiteTest, profile: str, folder: Path, env: Mapping[str, str], allowed: Sequence[str] = ()
) -> Job:
    """The run of a test with a profile; its results stand below ``folder``."""
    flags = ("--profile", profile, *(f"--allow-host={host}" for host in allowed))
    return Job(test, folder / test.suite / test.script.stem, env, flags)


def conclude(
    results: Sequence[TestResult],
    tests: Sequence[SuiteTest],
    folder: Path,
    system: System,
    *,
    others: str = OTHERS,
) -> ExitCode:
    """Print the table; the code of the first test that failed, or that of a signal where some did not run."""
    lines = suite_table(results, paint=Painter(system.color), width=system.width, others=others)
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
@click.option("--profile", metavar="NAME", help="Size of the load (demo, or what the fault names).")
@click.option("--test", "only", multiple=True, metavar="NAME", help="Only this test; may be repeated.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault; may be repeated.")
@click.option("--side-by-side", default=1, metavar="N", type=click.IntRange(1, 64), help="Tests at once (1).")
@click.option("--write", "page", metavar="FILE", help="Write the table as a Markdown page.")
@click.option("--results-dir", default=RESULTS_DIR, metavar="DIR", help="Where results are kept.")
@click.pass_obj
def prove_command(
    system: System,
    /,
    folders: Sequence[str],
    profile: str | None,
    only: Sequence[str],
    faults: Sequence[str],
    side_by_side: int,
    page: str | None,
    results_dir: str,
) -> ExitCode:
    """Prove that every objective can fail: run each test healthy, and with each fault of its faults.toml.

    The reference platform is started for it, one for each of the tests that run at once. The exit code is 110
    where anything but what was expected failed.
    """
    shown = profile or PROOF_PROFILE
    tests = chosen(find_tests([system.path(folder) for folder in folders], shown), only)
    cases = [replace(case, profile=profile or case.profile or shown) for case in cases_of(tests)]
    cases = with_faults(cases, faults)
    if page is not None:
        require_writable(system.path(page), "--write")
    folder = make_folder(system.path(results_dir), "proof")
    count = min(side_by_side, len(tests))
    view = SharedView(open_view(system), Tally(len(cases)))
    with own_platforms(system, {test.target.service for test in tests}, count) as (children, platforms):
        if not platforms:
            return ExitCode.EXTERNAL_ABORT

        def make(number: int) -> Prover:
            return Prover(platforms[number], children, system, folder, view, number)

        try:
            rows = prove_all(cases, make, count)
        finally:
            view.close()
        return conclude_proof(rows, cases, shown, page, system)


def conclude_proof(
    rows: Sequence[ProofRow], cases: Sequence[Case], profile: str, page: str | None, system: System
) -> ExitCode:
    """Write the page and say what was proved; 110 where anything but what was expected failed."""
    lines = []
    expected = sum(row.is_as_expected for row in rows)
    if len(rows) < len(cases):
        # Stopped: what was not tried proves nothing, and a part of the table is none.
        left = len(cases) - len(rows)
        lines.append(f"{expected} of {len(rows)} as expected, {left} not tried; no page was written")
    else:
        lines += [f"{test}: no fault makes fail {', '.join(names)}" for test, names in unproved(rows).items()]
        lines.append(f"{expected} of {len(cases)} as expected")
    system.stdout.write("".join(f"{line}\n" for line in lines))
    system.stdout.flush()
    if len(rows) < len(cases):
        return ExitCode.EXTERNAL_ABORT
    if page is not None:
        try:
            write_whole(system.path(page), proof_page(rows, profile).encode())
        except OSError as error:
            message = f"the page {page} was not written: {error.strerror}"
            raise SwellError(message, slug="suite-results") from error
    return ExitCode.OK if expected == len(cases) else ExitCode.MARKED_FAILED
