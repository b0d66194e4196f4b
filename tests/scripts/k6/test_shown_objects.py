"""Objects of k6's show their data and their methods on the console, as in k6."""

import re
from collections.abc import Callable

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
TOP = """
import http from 'k6/http'; import crypto from 'k6/crypto'; import { Counter } from 'k6/metrics';
import { parseHTML } from 'k6/html';
export const options = { iterations: 1 };
const counter = new Counter('some');
"""
CASES = {
    "http.cookieJar()": "{ clear: @, cookiesForURL: @, delete: @, set: @ }",
    "[new http.CookieJar()]": "[ { clear: @, cookiesForURL: @, delete: @, set: @ } ]",
    "counter": "{ name: 'some', add: @ }",
    # Proxies are asked for nothing but their members.
    "new Proxy({ a: 1 }, { get: (from, name) => from[name.toLowerCase()] })": "{ a: 1 }",
    "new Proxy(Object.create(null), { get: () => 'x' })": "{}",
    "{ hash: crypto.createHash('md5') }": "{ hash: { digest: @, update: @ } }",
}


@pytest.mark.parametrize("shown", CASES)
def test_objects_with_methods(run: RunScript, shown: str) -> None:
    """Data first, then the methods by name, wherever in what is printed the object stands."""
    result = run(f"{TOP} export default () => {{ console.log({shown}); }}", "--log-format", "raw")
    assert CASES[shown].replace("@", "[object Function]").replace("'", '"') in result.stderr


def test_pages_and_elements(run: RunScript) -> None:
    """A selection shows where its page came from; an element its own methods and, once more, those of all."""
    result = run(
        TOP
        + """
        export default () => {
          console.log(http.get(__ENV.TARGET + '/html').html('p'));
          console.log(parseHTML('<li>a</li>').find('li').get(0));
        }
        """,
        "--log-format",
        "raw",
    )
    selection, element = re.findall(r"^\{ .*$", result.stderr, re.MULTILINE)
    assert re.match(r'\{ url: "http://[\d.:]+/html", add: \[object Function\], attr: ', selection)
    assert "toJSON" not in selection
    all_of_them, _, own = element.removeprefix("{ element: ").partition(" }, ")
    assert own.startswith("attributes: [object Function], ")
    assert own.endswith(", value: [object Function] }")
    assert "value: " not in all_of_them
    assert "querySelector: [object Function]" in all_of_them
