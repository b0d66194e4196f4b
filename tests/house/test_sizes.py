"""The size gate: no module over 500 lines, no function over 60 without its docstring, and no exceptions."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for folder in ("src", "benchmarks", "examples", "suites", "tests", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "results" not in path.parts
)
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 60


def name_of(path: Path) -> str:
    """The path from the repository's root, as a test id."""
    return str(path.relative_to(ROOT))


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its ``def`` on, without its docstring."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    documentation = ast.get_docstring(node, clean=False)
    return lines - (documentation.count("\n") + 1 if documentation else 0)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_stay_small(path: Path) -> None:
    """A module is at most 500 lines long and each of its functions at most 60."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_MODULE_LINES
    # A test's data may be one long literal; code that people must follow may not.
    long = (
        []
        if path.is_relative_to(ROOT / "tests")
        else [
            f"{path}:{node.lineno} {node.name}: {function_lines(node)} lines"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and function_lines(node) > MAX_FUNCTION_LINES
        ]
    )
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    """A module opens with a docstring whose first line is one sentence."""
    documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert documentation
    assert documentation.splitlines()[0].rstrip().endswith((".", "?", ":"))


def test_no_leftovers() -> None:
    """No module carries a note to do something later: an issue holds that, or nothing does."""
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    found = [
        f"{name_of(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(word in line for word in words)
    ]
    assert found == []
