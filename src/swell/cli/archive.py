"""``swell archive``: a k6 script with everything that it reads, in k6's own format."""

from contextlib import ExitStack
from typing import Any

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.parameters import OptionCommand, flag_options, suggest_script
from swell.cli.script_file import find_script
from swell.cli.system import System


@click.command(cls=OptionCommand, rows=flag_options())
@click.argument("script", shell_complete=suggest_script)
@click.option(
    "-O",
    "--archive-out",
    default="archive.tar",
    show_default=True,
    help="File to write; - is standard output.",
)
@click.option("--exclude-env-vars", is_flag=True, help="Leave the variables of -e out.")
@click.pass_obj
def command(
    system: System, /, script: str, *, archive_out: str, exclude_env_vars: bool, **values: Any
) -> ExitCode:
    """Pack the k6 script SCRIPT, what it imports and opens, its options and variables into one file.

    'swell run archive.tar' and 'k6 run archive.tar' both run it, on any machine.
    """
    file = find_script(script, system)
    if file.language != "k6":
        message = f"{script} is no k6 script: a native script is a Python file that is copied as it is"
        raise SwellError(message, slug="no-front-end")
    from swell.cli.plan import K6_DEFAULTS, Sources  # noqa: PLC0415
    from swell.cli.session import open_log  # noqa: PLC0415
    from swell.config.show import show_changed  # noqa: PLC0415
    from swell.engine.script import LEARNED  # noqa: PLC0415
    from swell.scripts.k6.archive import Archive, write_archive  # noqa: PLC0415
    from swell.scripts.k6.files import file_name  # noqa: PLC0415
    from swell.scripts.k6.loader import load_script  # noqa: PLC0415

    sources = Sources(values, system, file)
    redactor = sources.read_secrets(system)
    with ExitStack() as stack:
        log = open_log(sources.command, system, stack)
        read: dict[str, bytes] = {}

        def write_line(level: str, message: str, **fields: str) -> None:
            if level == LEARNED:
                redactor.add(message)
            else:
                log.write(level, redactor.text(message), fields)

        loaded = load_script(
            str(file.path),
            sources.script_env,
            write_line,
            arguments=sources.front_end_arguments(file),
            seen=read,
        )
        plan = sources.plan(file, loaded.exports)
    env = {} if exclude_env_vars else dict(sources.command.env)
    archive = Archive(
        file_name(str(file.path.absolute())), read, show_changed(plan.resolution, K6_DEFAULTS), env
    )
    try:
        if archive_out == "-":
            write_archive(system.stdout.buffer, archive)
        else:
            with system.path(archive_out).open("wb") as stream:
                write_archive(stream, archive)
            count = len(read)
            noun = "file" if count == 1 else "files"
            system.stdout.write(f"{archive_out}: the script and all that it reads, {count} {noun}\n")
    except OSError as error:
        message = f"{archive_out} cannot be written: {error.strerror}"
        raise SwellError(message, slug="cannot-write") from None
    return ExitCode.OK
