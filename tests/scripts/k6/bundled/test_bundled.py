"""The table of bundled libraries: which URLs they answer for, and that each loads and is documented."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swell.scripts.k6.bundled import LIBRARIES, Library, find_bundled
from swell.scripts.k6.files import ScriptFiles

RunSnippet = Callable[..., Any]

DOCS = Path(__file__).parents[4] / "docs" / "k6-libraries.md"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://jslib.k6.io/k6-utils/1.0.0/index.js", "k6-utils"),
        ("https://jslib.k6.io/k6-utils/9.9.9/index.js", "k6-utils"),
        ("http://jslib.k6.io/k6-utils/1.4.0/index.js", "k6-utils"),
        ("jslib.k6.io/k6-utils/1.4.0/index.js", "k6-utils"),
        ("https://jslib.k6.io/k6-summary/0.0.2/index.js?x=1#y", "k6-summary"),
        ("https://jslib.k6.io/functional/0.0.3/index.js", "expect"),
        ("https://jslib.k6.io/k6chaijs-contracts/4.3.4.0/index.js", "k6chaijs-contracts"),
        ("https://jslib.k6.io/aws/0.11.0/kinesis.js", "aws"),
        (
            "https://raw.githubusercontent.com/grafana/jslib.k6.io/main/lib/papaparse/5.1.1/index.js",
            "papaparse",
        ),
        ("https://cdn.jsdelivr.net/gh/grafana/jslib.k6.io@main/lib/httpx/0.1.0/index.js", "httpx"),
        ("https://raw.githubusercontent.com/benc-uk/k6-reporter/2.4.0/dist/bundle.js", "k6-reporter"),
        ("https://raw.githubusercontent.com/benc-uk/k6-reporter/latest/dist/bundle.js?v=2", "k6-reporter"),
        (
            "https://raw.githubusercontent.com/benc-uk/k6-reporter/refs/heads/main/dist/bundle.js",
            "k6-reporter",
        ),
        ("https://cdn.jsdelivr.net/gh/benc-uk/k6-reporter@main/dist/bundle.js", "k6-reporter"),
        ("https://github.com/benc-uk/k6-reporter/raw/main/dist/bundle.js", "k6-reporter"),
        ("https://unpkg.com/papaparse@5.4.1/papaparse.min.js", "papaparse"),
        ("https://cdn.jsdelivr.net/npm/papaparse@5/+esm", "papaparse"),
        ("https://unpkg.com/papaparse", "papaparse"),
        ("https://cdnjs.cloudflare.com/ajax/libs/PapaParse/5.4.1/papaparse.min.js", "papaparse"),
    ],
)
def test_a_library_is_found_for_every_version(url: str, name: str) -> None:
    """Version, scheme, query and mirror do not matter."""
    module = find_bundled(url)
    assert module is not None
    assert module.name == name


@pytest.mark.parametrize(
    "url",
    [
        "https://jslib.k6.io/nothing/1.0.0/index.js",
        "https://jslib.k6.io/k6-utils/index.js",
        "https://jslib.k6.io/k6-utils/1.4.0/",
        "https://example.com/jslib.k6.io/k6-utils/1.4.0/index.js",
        "https://jslib.k6.io.example.com/k6-utils/1.4.0/index.js",
        "https://jslib-k6.io/k6-utils/1.4.0/index.js",
        "https://unpkg.com/papaparse-other@5/papaparse.js",
        "./k6-utils.js",
        "",
    ],
)
def test_other_urls_are_left_to_the_network(url: str) -> None:
    """What only looks like a library's URL is not answered for."""
    assert find_bundled(url) is None


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_each_library_answers_for_its_example_and_loads(library: Library, run: RunSnippet) -> None:
    """Its example finds it, and the module evaluates and has a default export or names."""
    module = find_bundled(library.example)
    assert module is not None
    assert module.name == library.name
    assert run(f"import * as all from '{library.example}';", "return Object.keys(all).length") > 0


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_what_goes_into_archives_needs_nothing_that_k6_lacks(library: Library) -> None:
    """None of the globals and methods that this engine has and k6 2.2 has not."""
    missing = (
        r"\b(?:(?:globalThis\.)?(?:URL|URLSearchParams|structuredClone|atob|btoa|queueMicrotask|performance|AbortController|"
        r"Intl|WeakRef)\b(?=[.(\s,])(?!:)|\bfetch\(|toWellFormed|isWellFormed|withResolvers|Object\.groupBy|Map\.groupBy|"
        r"Uint8Array\.from\(['\"]|import\()"
    )
    module = find_bundled(library.example)
    assert module is not None
    code = re.sub(r"//.*|/\*[\s\S]*?\*/", "", module.source)
    assert bool(re.search(missing, code)) is not module.runs_in_k6


def test_the_docs_list_each_library() -> None:
    """The page has exactly the table's rows, in its order."""
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [f"| `{it.name}` | {it.purpose} | `{it.example}` |" for it in LIBRARIES]


def test_the_sources_carry_no_placeholder() -> None:
    """Each file beside the table is a library of it."""
    folder = Path(find_bundled.__code__.co_filename).parent
    assert {path.stem for path in folder.glob("*.js")} == {library.name for library in LIBRARIES}


@pytest.mark.parametrize(
    "imports",
    [
        "import { uuidv4 } from 'jslib.k6.io/k6-utils/1.4.0/index.js';",
        "const { uuidv4 } = require('https://jslib.k6.io/k6-utils/1.4.0/index.js');",
        "import utils from 'https://jslib.k6.io/k6-utils/1.4.0/index.js'; const { uuidv4 } = utils;",
    ],
)
def test_every_way_of_importing(run: RunSnippet, imports: str) -> None:
    """Without a scheme, with require, and by the default export."""
    assert run(imports, "return uuidv4().length") == 36


def test_what_is_there_already_goes_first() -> None:
    """A library that an archive brings along is used as it is."""
    url = "https://jslib.k6.io/k6-utils/1.4.0/index.js"
    files = ScriptFiles("file:///a.js", {url: b"export const uuidv4 = () => 'own';"})
    assert files.source(url) == "export const uuidv4 = () => 'own';"
