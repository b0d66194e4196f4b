"""``swell new``: writes a first script from a template, in Python or in JavaScript."""

from importlib import resources
from pathlib import PurePath
from typing import Final

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.system import System

TEMPLATES = ("minimal", "scenarios")
DEFAULT_FILE = "script.py"
# A script's suffix, and that of its template.
SUFFIXES: Final = {".py": ".py", ".js": ".js", ".mjs": ".js", ".ts": ".js"}


def read_template(name: str, suffix: str = ".py") -> str:
    """The text of a template that comes with swell."""
    return resources.files("swell.cli").joinpath("templates", f"{name}{suffix}").read_text(encoding="utf-8")


@click.command()
@click.argument("file", default=DEFAULT_FILE)
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="minimal",
    show_default=True,
    help="What to start from.",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.pass_obj
def command(system: System, *, file: str, template: str, force: bool) -> ExitCode:
    """Write a first script to FILE (script.py): Python, or a k6 script where its name ends in .js or .ts."""
    path = system.path(file)
    suffix = SUFFIXES.get(PurePath(file).suffix)
    if suffix is None:
        message = f"{file} has the name of no script"
        hint = "a native script ends in .py, a k6 script in .js or .ts"
        raise SwellError(message, hint=hint, slug="no-front-end")
    text = read_template(template, suffix).replace("swell run FILE", f"swell run {file}")
    try:
        # "x" refuses in one step: no moment between looking and writing.
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        message = f"{file} exists already"
        raise SwellError(
            message, hint="choose another name, or -f to overwrite it", slug="file-exists"
        ) from None
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise SwellError(message, hint="is the directory there, and yours?", slug="cannot-write") from None
    system.stdout.write(f"{file} written; run it with: swell run {file}\n")
    return ExitCode.OK
