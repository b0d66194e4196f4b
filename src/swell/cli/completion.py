"""``swell completion``: the script that teaches a shell to complete swell's commands and options."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from swell.base.errors import ExitCode
from swell.cli.system import System


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def command(system: System, shell: str) -> ExitCode:
    """Print the completion script of SHELL.

    \b
    bash:  eval "$(swell completion bash)"          in ~/.bashrc
    zsh:   eval "$(swell completion zsh)"           in ~/.zshrc
    fish:  swell completion fish | source           in ~/.config/fish/config.fish
    """  # noqa: D301 - \b keeps click from wrapping the three lines
    # Imported here because main imports this module by name, when the command is called.
    from swell.cli.main import COMPLETION_VARIABLE, PROGRAM, cli  # noqa: PLC0415

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the choices above are click's own shells
    # ShellComplete's source(), as bash's own first runs bash to ask for its version.
    system.stdout.write(ShellComplete.source(kind(cli, {}, PROGRAM, COMPLETION_VARIABLE)))
    return ExitCode.OK
