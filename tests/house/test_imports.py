"""What importing costs: the command's help and ``import swell`` load nothing heavy and patch nothing."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("gevent", "greenlet", "msgspec", "numpy", "rich", "psutil", "brotli", "zstandard", "ssl", "asyncio")


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after ``code``."""
    listing = f"{code}\nimport sys; print('\\nMODULES ' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.rpartition("MODULES ")[2].split()}


def test_help_loads_nothing_heavy() -> None:
    """``swell --help`` imports click and the command table only."""
    code = (
        "from swell.cli.main import main\n"
        "from swell.cli.system import real_system\n"
        "assert main(['--help'], real_system()) == 0"
    )
    assert modules_after(code).isdisjoint(HEAVY)


def test_importing_swell_loads_nothing_heavy() -> None:
    """``import swell`` is free, and what a script needs is loaded when it is named."""
    assert modules_after("import swell").isdisjoint({*HEAVY, "click"})


def test_importing_a_script_s_names_patches_nothing() -> None:
    """An editor or a test may import swell's names: the process stays as it was."""
    code = (
        "import socket, threading\n"
        "before = (socket.socket, threading.Thread.start)\n"
        "from swell import check, http, sleep\n"
        "assert before == (socket.socket, threading.Thread.start)\n"
        "import sys\n"
        "monkey = sys.modules.get('gevent.monkey')\n"
        "assert monkey is None or not monkey.saved"
    )
    modules_after(code)


def test_modules_of_tests_have_names_of_their_own() -> None:
    """Pytest imports them by their file's name alone: two of one name cannot run together."""
    tests = Path(__file__).parents[1]
    names = [path.name for path in tests.rglob("*.py") if path.name not in {"conftest.py", "__init__.py"}]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
