"""``swell version``: the version, and what it runs on."""

import json
import platform
from importlib import metadata

import click

import swell
from swell.base.errors import ExitCode
from swell.cli.system import System

# The dependencies whose version matters in a bug report.
REPORTED = ("gevent", "greenlet", "msgspec", "numpy")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the versions of what swell runs on.")
@click.pass_obj
def command(system: System, *, as_json: bool) -> ExitCode:
    """Print the version."""
    if as_json:
        document = {
            "swell": swell.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "dependencies": {name: metadata.version(name) for name in REPORTED},
        }
        system.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        system.stdout.write(
            f"swell {swell.__version__} (Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()})\n"
        )
    return ExitCode.OK
