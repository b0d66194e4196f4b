"""What is thrown without being an error is logged with its place, as in k6."""

import re
from collections.abc import Callable

import pytest

from swell.scripts.k6.throws import with_places
from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
NOTED = "throw swellThrows(),"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("throw 'text';", f"{NOTED} 'text';"),
        ("try { f(); } catch (e) { throw e }", f"try {{ f(); }} catch (e) {{ {NOTED} e }}"),
        ("throw{a:1}", f"{NOTED}{{a:1}}"),
        ("throw new Error('x');", "throw new Error('x');"),
        ("throw failed('x');", "throw failed('x');"),
        ("x = 'throw 5'; // throw 5", "x = 'throw 5'; // throw 5"),
        ("throw 5; a b c @", "throw 5; a b c @"),
    ],
)
def test_only_throws_of_what_may_be_no_error_change(written: str, read: str) -> None:
    """Objects made on the spot, words in texts and comments, and sources with faults stay as they are."""
    assert with_places(written) == read


def logged(result: CLIResult) -> list[str]:
    """What iterations threw, as it was logged, with bars for line ends and no folders."""
    lines = re.findall(r'level=error msg="?(.*?)"? executor', re.sub(r"file:[^:]*/", "", result.stderr))
    return [line.replace("\\n", "|").replace("\\t", "").strip("|") for line in lines]


def test_places_of_what_is_thrown(run: RunScript) -> None:
    """Text, objects and null thrown by an iteration have the stack of the throw, a rejected promise has none."""
    result = run(
        """
        import { group } from 'k6';
        export const options = { iterations: 5 };
        const inner = () => {
          throw { code: 1 };
        };
        export default function () {
          if (__ITER === 0) throw 'text';
          if (__ITER === 1) inner();
          if (__ITER === 2) group('g', () => { throw null; });
          if (__ITER === 3) { try { throw 'first'; } catch {
            throw `again`; } }
          try { throw 'caught'; } catch { /* it is */ }
          Promise.reject('alone');
        }
        """
    )
    assert logged(result) == [
        "text|at default (script.js:8:21)",
        "[object Object]|at inner (script.js:5:3)|at default (script.js:9:21)",
        "null|at script.js:10:40|at default (script.js:10:21)",
        "again|at default (script.js:12:5)",
        "Uncaught (in promise) alone",
    ]


def test_a_script_may_have_its_own_error(run: RunScript) -> None:
    """What is thrown is the same, and has its place, where ``Error`` is a parameter, a class, or replaced."""
    result = run(
        """
        export const options = { iterations: 4 };
        let made = 0;
        globalThis.Error = function () { made++; };
        const withParameter = (Error) => { throw "one"; };
        export default function () {
          if (__ITER === 0) withParameter();
          if (__ITER === 1) { class Error extends TypeError {}
            throw "two"; }
          if (__ITER === 2) { swellThrows = null; }
          throw made;
        }
        """
    )
    assert logged(result) == [
        "one|at withParameter (script.js:5:36)|at default (script.js:7:21)",
        "two|at default (script.js:9:5)",
        "TypeError: Assignment to constant variable.|at default (script.js:10:23)",
        "0|at default (script.js:11:3)",
    ]


def test_an_error_of_the_scripts_own_has_its_columns(run: RunScript) -> None:
    """Errors that a function makes for a throw, and those with any message, stand where the source has them."""
    result = run(
        """
        export const options = { iterations: 2 };
        const made = (message) => new Error(message);
        export default function () {
          if (__ITER === 0) throw made("swell");
          throw made("other");
        }
        """
    )
    assert re.findall(r"script.js:(\d+:\d+)", result.stderr) == ["3:37", "5:27", "3:37", "6:9"]
