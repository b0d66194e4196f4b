"""``swell new``, ``version`` and ``completion``."""

import ast
import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

import swell
from swell.base.errors import ExitCode
from swell.cli.main import cli
from swell.cli.new import TEMPLATES
from swell.testing.cli import run_cli


def test_version_names_the_version() -> None:
    """``swell version`` and ``swell --version`` name the package's version."""
    assert run_cli("version").stdout.startswith(f"swell {swell.__version__} (Python ")
    assert run_cli("--version").stdout == f"swell {swell.__version__}\n"


def test_version_as_json_names_what_it_runs_on() -> None:
    """``--json`` adds Python, the platform and the dependencies whose version matters."""
    document = json.loads(run_cli("version", "--json").stdout)
    assert document["swell"] == swell.__version__
    assert set(document) == {"swell", "python", "platform", "dependencies"}
    assert document["dependencies"]["gevent"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    """Each shell's script calls swell back with the variable that asks for words."""
    result = run_cli("completion", shell)
    assert result.exit_code == ExitCode.OK
    assert f"_SWELL_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["run", "--summary-mode"], ["compact", "full", "legacy", "disabled"]),
        (["run", "--config"], [("file", "")]),
        (["run", "--results-dir"], [("dir", "")]),
        (["run"], [("file", "")]),
        (["inspect", "--vus", "3"], [("file", "")]),
        (["run", "--vus"], []),
    ],
)
def test_values_are_completed(words: list[str], offered: list[object]) -> None:
    """A flag's choices, and files or directories where a path belongs."""
    found = ShellComplete(cli, {}, "swell", "_SWELL_COMPLETE").get_completions(words, "")
    assert [item.value if item.type == "plain" else (item.type, item.value) for item in found] == offered


@pytest.mark.parametrize("template", TEMPLATES)
def test_new_writes_a_script(tmp_path: Path, template: str) -> None:
    """Every template becomes a module that opens with a docstring."""
    result = run_cli("new", "mine.py", "--template", template, cwd=tmp_path)
    assert result.exit_code == ExitCode.OK
    assert "swell run mine.py" in result.stdout
    assert ast.get_docstring(ast.parse((tmp_path / "mine.py").read_text()))


def test_new_does_not_overwrite(tmp_path: Path) -> None:
    """An existing file is left as it is, unless -f is given."""
    path = tmp_path / "script.py"
    path.write_text("mine")
    result = run_cli("new", cwd=tmp_path)
    assert result.exit_code == ExitCode.OTHER
    assert "script.py exists already" in result.stderr
    assert path.read_text() == "mine"
    assert run_cli("new", "-f", cwd=tmp_path).exit_code == ExitCode.OK
    assert "def default" in path.read_text()


def test_new_writes_no_script_under_another_name(tmp_path: Path) -> None:
    """The suffix says which language is meant: another one is refused, and nothing is written."""
    result = run_cli("new", "notes.txt", cwd=tmp_path)
    assert result.exit_code == ExitCode.OTHER
    assert result.stderr.startswith("error: notes.txt has the name of no script\n")
    assert not (tmp_path / "notes.txt").exists()


def test_new_says_where_it_cannot_write(tmp_path: Path) -> None:
    """A directory that is not there is one clear line."""
    result = run_cli("new", "no/such/script.py", cwd=tmp_path)
    assert result.exit_code == ExitCode.OTHER
    assert result.stderr.startswith("error: no/such/script.py cannot be written: No such file or directory\n")
