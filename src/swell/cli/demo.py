"""``swell demo``: a load test, or those of whole suites, against a target that it starts and ends itself."""

from contextlib import ExitStack
from importlib import resources
from pathlib import Path

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.system import System

DEMO_PROFILE = "demo"
# Two cores: the platform and the tests share them.
SIDE_BY_SIDE = 3


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flags", metavar="[DIR | FLAGS...]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(system: System, /, flags: tuple[str, ...]) -> ExitCode:
    """Run a load test against a target that comes with swell.

    With DIR, a folder of suites, the reference platform is started with a database of its own, and all tests
    of the suites run with their profile 'demo'. Else FLAGS are those of 'swell run', such as --workers 2 or
    --summary-mode full, for a test of some fifteen seconds.
    """
    if len(flags) == 1 and not flags[0].startswith("-"):
        return run_suites(system, system.path(flags[0]))
    return run_one(system, flags)


def run_one(system: System, flags: tuple[str, ...]) -> ExitCode:
    """Run the one test that comes along."""
    from swell.cli.run import command as run  # noqa: PLC0415 - --help needs neither
    from swell.testing.server import EchoServer  # noqa: PLC0415

    script = resources.files("swell.cli").joinpath("templates", "demo.py")
    with ExitStack() as stack:
        try:
            target = stack.enter_context(EchoServer())
        except (OSError, RuntimeError) as error:
            raise SwellError(f"the demo's target cannot be started: {error}", slug="demo-target") from error
        path = stack.enter_context(resources.as_file(script))
        arguments = [str(path), "-e", f"TARGET_URL={target.url}", *flags]
        with run.make_context("swell demo", arguments, obj=system) as context:
            return ExitCode(run.invoke(context))


def run_suites(system: System, folder: Path) -> ExitCode:
    """Start the platform, run the demo profile of all suites in ``folder``, and end everything."""
    from swell.cli.suite import RESULTS_DIR, conclude, job_of  # noqa: PLC0415 - as above
    from swell.cli.suites.folders import make_folder  # noqa: PLC0415
    from swell.cli.suites.platform import own_platforms, platform_env  # noqa: PLC0415
    from swell.cli.suites.running import Runner  # noqa: PLC0415
    from swell.cli.suites.tests import find_tests  # noqa: PLC0415
    from swell.cli.suites.views import open_view  # noqa: PLC0415

    tests = find_tests([folder], DEMO_PROFILE)
    hint = "call it from a folder that can be written to"
    kept = make_folder(system.path(RESULTS_DIR), "demo", place="results", hint=hint)
    with own_platforms(system, {test.target.service for test in tests}) as (children, platforms):
        if not platforms:
            return ExitCode.EXTERNAL_ABORT
        (platform,) = platforms
        envs = [platform_env(platform, test.target, system.env) for test in tests]
        jobs = [job_of(test, DEMO_PROFILE, kept, env) for test, env in zip(tests, envs, strict=True)]
        results = Runner(children, system, SIDE_BY_SIDE, open_view(system)).run(jobs)
        return conclude(results, tests, kept, system)
