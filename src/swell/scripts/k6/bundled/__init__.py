"""Our own implementations of popular remote k6 libraries, found by their URL for every version."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent

# Where jslib.k6.io keeps a library: name, version, file. Old scripts import without a scheme.
_JSLIB: Final = r"(?:https?://)?jslib\.k6\.io/(?:{name})/[^/]+/(?:[^/]+/)*[^/]+\.js"
# The same files in the repository that jslib.k6.io is published from.
_JSLIB_SOURCES: Final = (
    r"https?://(?:raw\.githubusercontent\.com/(?:grafana|k6io|loadimpact)/jslib\.k6\.io/[^/]+"
    r"|cdn\.jsdelivr\.net/gh/(?:grafana|k6io|loadimpact)/jslib\.k6\.io(?:@[^/]+)?)/lib/(?:{name})/[^/]+/[^/]+\.js"
)
# A package of npm on the networks that scripts take it from, with or without a version and a file.
_NPM: Final = (
    r"https?://(?:cdn\.jsdelivr\.net/npm|unpkg\.com|esm\.sh|cdn\.skypack\.dev)/{name}(?:@[^/]+)?(?:/.*)?"
    r"|https?://cdnjs\.cloudflare\.com/ajax/libs/(?i:{name})/[^/]+/[^/]+\.js"
)
# A file of a repository on GitHub, straight or through a network.
_GITHUB: Final = (
    r"https?://(?:raw\.githubusercontent\.com/{owner}/{name}/(?:refs/(?:heads|tags)/)?[^/]+"
    r"|github\.com/{owner}/{name}/raw/(?:refs/(?:heads|tags)/)?[^/]+"
    r"|cdn\.jsdelivr\.net/gh/{owner}/{name}(?:@[^/]+)?)/{file}"
)


@dataclass(frozen=True, slots=True)
class BundledModule:
    """A library that stands in for what a URL serves."""

    name: str
    """The same for all URLs and versions of a library, such as ``k6-utils``."""
    source: str
    """The text of one ES module; it imports nothing but modules of k6 and other bundled URLs."""
    runs_in_k6: bool
    """Whether k6 can run it too, so that it goes into archives."""


@dataclass(frozen=True, slots=True)
class Library:
    """One row of the table: a file beside this one, ``NAME.js``, and the URLs it answers for."""

    name: str
    purpose: str
    example: str
    """A URL as scripts write it."""
    patterns: tuple[str, ...]
    """Regular expressions that a whole URL without its query has to match."""
    runs_in_k6: bool = True
    """Whether it uses nothing but what k6 has as well."""


def _jslib(name: str, purpose: str, example: str, *more: str, runs_in_k6: bool = True) -> Library:
    """A library that is (also) on jslib.k6.io."""
    own = re.escape(name)
    patterns = (_JSLIB.format(name=own), _JSLIB_SOURCES.format(name=own), *more)
    return Library(name, purpose, example, patterns, runs_in_k6)


# In the order of the docs page, which is the order of use.
LIBRARIES: Final = (
    _jslib(
        "k6-utils",
        "random values, text between two others, stages of a normal distribution, checks with promises",
        "https://jslib.k6.io/k6-utils/1.4.0/index.js",
    ),
    _jslib(
        "k6-summary",
        "`textSummary` in the layout of k6 before v1, `jUnit`, `humanizeValue`",
        "https://jslib.k6.io/k6-summary/0.1.0/index.js",
    ),
    _jslib(
        "url",
        "`URL` and `URLSearchParams`, the same as swell's globals",
        "https://jslib.k6.io/url/1.0.0/index.js",
        # k6 has no such globals.
        runs_in_k6=False,
    ),
    _jslib(
        "k6chaijs",
        "`describe`, `expect` with Chai's assertions as checks, plugins",
        "https://jslib.k6.io/k6chaijs/4.3.4.3/index.js",
    ),
    _jslib(
        "k6chaijs-contracts",
        "`matchSchema` for k6chaijs: JSON Schema as an assertion",
        "https://jslib.k6.io/k6chaijs-contracts/4.3.4.1/index.js",
    ),
    Library(
        "k6-reporter",
        "`htmlReport`: one page about a run that loads nothing",
        "https://raw.githubusercontent.com/benc-uk/k6-reporter/main/dist/bundle.js",
        (_GITHUB.format(owner="benc-uk", name="k6-reporter", file=r"dist/[^/]+\.js"),),
    ),
    _jslib(
        "papaparse",
        "CSV to rows and back; of texts, not of files or streams",
        "https://jslib.k6.io/papaparse/5.1.1/index.js",
        _NPM.format(name="papaparse"),
    ),
    _jslib(
        "formdata",
        "multipart bodies made by hand",
        "https://jslib.k6.io/formdata/0.0.2/index.js",
    ),
    _jslib(
        "k6-testing",
        "`expect` with Playwright's matchers, also soft and for pages; it ends the test or marks it failed",
        "https://jslib.k6.io/k6-testing/0.6.1/index.js",
    ),
    _jslib(
        "httpx",
        "sessions with a base address, headers and tags",
        "https://jslib.k6.io/httpx/0.1.0/index.js",
    ),
    _jslib(
        "totp",
        "time-based one-time passwords (RFC 6238)",
        "https://jslib.k6.io/totp/1.0.0/index.js",
    ),
    _jslib(
        "form-urlencoded",
        "nested objects as form data",
        "https://jslib.k6.io/form-urlencoded/3.0.0/index.js",
    ),
    _jslib(
        "aws",
        "signatures, clients of S3, Secrets Manager, Systems Manager, KMS, SQS, EventBridge, Kinesis, Lambda",
        "https://jslib.k6.io/aws/0.14.0/s3.js",
    ),
    _jslib(
        "jsonpath",
        "queries of JSON by paths, with filters and slices",
        "https://jslib.k6.io/jsonpath/1.0.2/index.js",
        _NPM.format(name="jsonpath"),
    ),
    _jslib(
        "ajv",
        "JSON Schema, draft 7, with Ajv's errors",
        "https://jslib.k6.io/ajv/6.12.5/index.js",
        _NPM.format(name="ajv"),
    ),
    Library(
        "expect",
        "`describe` with `t.expect(...)`, from before k6chaijs; also under its first name, `functional`",
        "https://jslib.k6.io/expect/0.0.5/index.js",
        (_JSLIB.format(name="expect|functional"), _JSLIB_SOURCES.format(name="expect|functional")),
    ),
    _jslib(
        "http-instrumentation-tempo",
        "a trace context in the headers of every request",
        "https://jslib.k6.io/http-instrumentation-tempo/1.0.1/index.js",
    ),
    _jslib(
        "http-instrumentation-pyroscope",
        "a baggage header in every request, for profiles",
        "https://jslib.k6.io/http-instrumentation-pyroscope/1.0.2/index.js",
    ),
)


def find_bundled(url: str) -> BundledModule | None:
    """The library that stands in for ``url``, or None where swell has none for it.

    Query and fragment do not matter; neither does the version.
    """
    library = _find(re.split(r"[?#]", url, maxsplit=1)[0])
    return None if library is None else BundledModule(library.name, _source(library.name), library.runs_in_k6)


def _find(address: str) -> Library | None:
    for library in LIBRARIES:
        if any(re.fullmatch(pattern, address) for pattern in library.patterns):
            return library
    return None


@cache
def _source(name: str) -> str:
    return _FOLDER.joinpath(f"{name}.js").read_text(encoding="utf-8")
