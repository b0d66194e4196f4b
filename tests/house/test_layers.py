"""The import graph, read with ast: imports point down only, and what must stand in one file does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(path for path in (SOURCE / "swell").rglob("*.py") if "templates" not in path.parts)

LAYERS = {
    "base": 0,
    "metrics": 1,
    "config": 1,
    "engine": 2,
    "net": 2,
    "scripts": 3,
    "output": 3,
    "report": 3,
    "cli": 4,
    "testing": 4,
    "doctor": 4,
}
# Within a layer a package stands alone, but for these: (importer, imported). Configuration checks threshold
# expressions with the grammar that judges them; run_cli runs the command; the doctor asks a server of ours.
NEIGHBOURS = {
    ("config", "metrics"),
    ("testing", "cli"),
    ("cli", "testing"),
    ("cli", "doctor"),
    ("doctor", "testing"),
}
# The reference platform is another program: nothing of swell imports it, and it imports nothing of swell.
TARGET = sorted((SOURCE / "swell_target").rglob("*.py"))
# The package's root re-exports the scripts' names (on demand) and holds the version, which anyone may read.
ROOT = {"swell", "swell.__main__"}


def module_name(path: Path) -> str:
    """src/swell/a/b.py -> swell.a.b; a package is named by its directory."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that ``path`` imports, with the line; ``from a import b`` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def package(module: str) -> str:
    """swell.net.client -> net; empty for the root and for what is not ours."""
    parts = module.split(".")
    return parts[1] if parts[0] == "swell" and len(parts) > 1 and parts[1] in LAYERS else ""


def may_import(importer: str, imported: str) -> bool:
    """Whether a module of package ``importer`` may import one of package ``imported``."""
    if importer == imported or (importer, imported) in NEIGHBOURS:
        return True
    return LAYERS[importer] > LAYERS[imported]


def test_every_package_has_a_layer() -> None:
    """A new package under swell must be given its layer here."""
    found = {package(module_name(path)) or module_name(path) for path in MODULES}
    assert found == set(LAYERS) | ROOT


@pytest.mark.parametrize("path", [path for path in MODULES if module_name(path) not in ROOT], ids=module_name)
def test_imports_point_down(path: Path) -> None:
    """A module imports from lower layers and from its own package only; the root re-exports what it likes."""
    importer = module_name(path)
    wrong = [
        f"{path}:{line}: {importer} imports {name}"
        for name, line in imports(path)
        if package(name) and not may_import(package(importer), package(name))
    ]
    assert wrong == []


def test_the_platform_and_swell_are_strangers() -> None:
    """swell_target imports nothing from swell, nor swell anything from it: a command starts it."""
    crossing = [
        f"{path}:{line}: imports {name}"
        for paths, other in ((TARGET, "swell"), (MODULES, "swell_target"))
        for path in paths
        for name, line in imports(path)
        if name.split(".")[0] == other
    ]
    assert TARGET
    assert crossing == []


def test_the_platform_s_machinery_knows_no_service() -> None:
    """swell_target.base imports no service, and no service another one."""
    wrong = []
    for path in TARGET:
        parts = module_name(path).split(".")
        own = ".".join(parts[:3]) if parts[1:2] == ["services"] and len(parts) > 2 else "swell_target.base"
        if parts[1:2] not in (["base"], ["services"]) or len(parts) == 2:
            continue
        wrong += [
            f"{path}:{line}: imports {name}"
            for name, line in imports(path)
            if name.startswith("swell_target.services.") and not f"{name}.".startswith(f"{own}.")
        ]
    assert wrong == []


def importers(*names: str) -> set[str]:
    """The modules that import any of ``names`` or anything below them, public test doubles apart."""
    return {
        module_name(path)
        for path in MODULES
        for name, _ in imports(path)
        if any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
        and package(module_name(path)) != "testing"
    }


def callers(*names: str) -> set[str]:
    """The modules that call a function of one of ``names`` (its last part), public test doubles apart."""
    return {
        module_name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in names
        and package(module_name(path)) != "testing"
    }


def test_monkey_patching_stands_in_one_file() -> None:
    """Only one file patches the process: the worker's and the debugger's entry call it."""
    assert callers("patch_all", "patch_socket", "patch_time", "patch_thread", "patch_module") <= {
        "swell.cli.patching"
    }


def test_client_sockets_stand_in_one_file() -> None:
    """Sockets to a target are made in net.transport, their TLS contexts in net.tls, and nowhere else."""
    sockets = callers("socket", "create_connection", "connect_ex", "wrap_bio", "wrap_socket")
    assert {module for module in sockets if package(module) == "net"} == {"swell.net.transport"}
    # The engine and the entries of our own processes hold the pairs between them; the doctor asks the kernel
    # whether it stamps what we send ourselves.
    assert {package(module) for module in sockets} <= {"net", "engine", "cli", "doctor"}
    assert {module for module in sockets if package(module) == "doctor"} <= {"swell.doctor.machine"}
    assert {module for module in sockets if package(module) == "cli"} <= {
        "swell.cli.worker",
        "swell.cli.suites.leash",
    }
    assert callers("SSLContext", "create_default_context") <= {"swell.net.tls"}


def test_the_terminal_library_stands_in_the_reports() -> None:
    """The library rich is imported by reports only."""
    assert {package(module) for module in importers("rich")} <= {"report"}


def test_arrays_stand_in_the_metrics() -> None:
    """The library numpy is imported by metrics only."""
    assert {package(module) for module in importers("numpy")} <= {"metrics"}


def test_the_coordinator_loads_no_script_and_no_client() -> None:
    """What runs in the coordinator's process imports neither gevent nor a front end."""
    assert not {
        module for module in importers("gevent") if module.startswith(("swell.report", "swell.config"))
    }
