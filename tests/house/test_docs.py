"""The docs cannot drift: every option, metric, exit code, error and verdict is where it is looked for."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.config.scenarios import Scenario
from swell.config.table import OPTIONS
from swell.metrics.model import BUILTIN_METRICS
from swell.metrics.verdict import LIMITS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def page(name: str) -> str:
    """The text of one page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the site builder makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w]+", "-", heading.lower()).strip("-") for heading in headings}


def slugs() -> set[str]:
    """Every slug in the sources: of error classes, of errors raised, and of causes that end a run."""
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values: list[ast.expr] = []
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "slug":
                values = [node.value]
            elif isinstance(node, ast.Call):
                values = [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
                if ast.unparse(node.func) == "Cause":
                    values += node.args[2:3]
            found |= {value.value for value in values if isinstance(value, ast.Constant) and value.value}
    return found


def test_the_k6_page_is_what_the_code_says() -> None:
    """The tables of docs/k6-compatibility.md are the output of tools/k6_page.py."""
    made = runpy.run_path(str(ROOT / "tools" / "k6_page.py"))["page"]()
    assert made == page("k6-compatibility.md"), "run: .venv/bin/python tools/k6_page.py"


def test_the_options_page_is_what_the_table_says() -> None:
    """docs/options.md is the output of tools/options_page.py."""
    made = runpy.run_path(str(ROOT / "tools" / "options_page.py"))["page"]()
    assert made == page("options.md"), "run: .venv/bin/python tools/options_page.py"


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_every_option_has_a_row(row: object) -> None:
    """Each option stands in the options page with its long flag."""
    text = page("options.md")
    assert f"| `{row.key}` |" in text or f"| `{row.name}` |" in text  # type: ignore[attr-defined]
    assert all(flag in text for flag in row.flags)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BUILTIN_METRICS)
def test_every_metric_has_a_row(name: str) -> None:
    """Each built-in metric stands in the metrics page with its type."""
    assert f"| `{name}` | {BUILTIN_METRICS[name].type} |" in page("metrics.md")


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_exit_code_has_a_row(code: ExitCode) -> None:
    """Each exit code stands in its page by number and name."""
    assert f"| {int(code)} | `{code.name}` |" in page("exit-codes.md")


def test_every_executor_has_a_row() -> None:
    """Each executor stands in its page with its own keys."""
    text = page("executors.md")
    for kind in Scenario.__args__:
        (row,) = re.findall(rf"^\| `{kind.__struct_config__.tag}` .*$", text, re.MULTILINE)
        own = set(kind.__struct_fields__) - {"name", "exec", "start_time_ns", "after", "graceful_stop_ns"}
        for field in own - {"env", "tags", "distribution", "includes_end"}:
            assert f"`{field.removesuffix('_ns')}`" in row


def test_every_error_has_its_entry_and_no_entry_lacks_an_error() -> None:
    """The messages page has one heading for each slug that an error can carry."""
    assert anchors(page("messages.md")) - {"messages"} == slugs() | {"bug"}


@pytest.mark.parametrize("slug", LIMITS)
def test_every_reason_of_a_verdict_is_explained(slug: str) -> None:
    """Each reason stands in the truth page."""
    assert slug in page("truth.md")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Relative links and images of a page exist, their anchors too."""
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{path}: {target}"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{path}: {target}"


def test_every_page_is_in_the_navigation() -> None:
    """mkdocs.yml lists every page of docs/."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    assert [name for name in missing if name not in navigation] == []


def test_every_dependency_has_a_decision() -> None:
    """Each runtime dependency is explained in docs/decisions/."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^dependencies = \[(.*?)\]", project, re.MULTILINE | re.DOTALL)
    explained = " ".join(path.read_text(encoding="utf-8").lower() for path in DOCS.glob("decisions/*.md"))
    names = re.findall(r'"([a-z-]+)', block)
    assert names
    assert [name for name in names if name not in explained] == []


def test_nothing_names_a_machine() -> None:
    """Locks hold versions and hashes, and no address; no page names a path of somebody's machine."""
    for path in [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "benchmarks").glob("*.txt")]:
        assert not re.search(r"://|--(extra-)?index|--find-links| @ ", path.read_text(encoding="utf-8"))


PYTHON_BLOCKS = [
    pytest.param(block, id=f"{path.relative_to(ROOT)}-{number}")
    for path in PAGES
    if path.exists()
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL), 1
    )
]


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_examples_in_pages_load(block: str, tmp_path: Path) -> None:
    """Each Python block of the docs is a script that loads, with options that resolve."""
    from swell.testing.cli import run_cli  # noqa: PLC0415

    if "def " not in block:
        block += "\n\ndef default():\n    pass\n"
    (tmp_path / "script.py").write_text(block, encoding="utf-8")
    result = run_cli("inspect", "--execution-requirements", "script.py", cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stderr
