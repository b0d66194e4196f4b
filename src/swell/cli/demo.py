"""``swell demo``: a load test of some fifteen seconds against a target that it starts and ends itself."""

from contextlib import ExitStack
from importlib import resources

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.system import System


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(system: System, /, flags: tuple[str, ...]) -> ExitCode:
    """Run a load test against a target that comes with swell.

    FLAGS are those of 'swell run', such as --workers 2 or --summary-mode full.
    """
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
