"""CommonJS modules: what they see, what others see of them, and modules that need each other, as in k6."""

import json
import re
from collections.abc import Callable

import pytest

from swell.testing.cli import CLIResult
from swell.testing.k6 import Trial

RunScript = Callable[..., CLIResult]
Case = tuple[str, dict[str, str], object]

NESTED: Case = (
    "const b = require('./b.js'); const out = [b.x, b.y(), Object.keys(b).join()];",
    {
        "a.js": "module.exports = { v: 1, isThis: this === module.exports };",
        "b.js": "exports.x = require('./a.js').v; exports.y = () => exports.x + 1;",
    },
    [1, 2, "x,y"],
)
CYCLE: Case = (
    "const a = require('./a.js'); const out = a;",
    {
        "a.js": "exports.early = 1; const b = require('./b.js'); exports.b = b.seen; exports.late = b.later();",
        "b.js": "const a = require('./a.js'); exports.seen = Object.keys(a).join(); exports.later = () => Object.keys(a).join();",
    },
    {"early": 1, "b": "early", "late": "early,b"},
)
ONCE: Case = (
    "globalThis.count = 0; const out = [require('./a.js') === require('./a.js'), require('./b.js').a === require('./a.js'), count];",
    {"a.js": "count++; module.exports = { n: count };", "b.js": "exports.a = require('./a.js');"},
    [True, True, 1],
)
FAILS: Case = (
    "const out = []; for (const n of ['./a.js', './a.js', '']) { try { require(n); } catch (e) { out.push(e.message); } }",
    {"a.js": "exports.half = 1; throw new Error('broken');"},
    ["broken", "broken", "require() can't be used with an empty specifier"],
)
DEFAULTS: Case = (
    """import a from './a.js'; import b, { y } from './b.js'; import c from './c.js'; import d from './d.js';
    const out = [typeof a, a.x, b, y, c, d];""",
    {
        "a.js": "module.exports = function f() {}; module.exports.x = 1;",
        "b.js": "module.exports = function g() {}; module.exports.default = 5; module.exports.y = 2;",
        "c.js": "exports.q = 1;",
        "d.js": "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'D';",
    },
    ["function", 1, 5, 2, {"q": 1}, "D"],
)
WHOLE: Case = (
    """import * as lib from './lib.js'; export * as again from './lib.js'; import { twice } from './lib.js';
    const out = [lib.v, lib.twice(2), twice(3), typeof lib.nothing];""",
    {
        "lib.js": """(function (root, factory) {
          if (typeof module === 'object' && module.exports) module.exports = factory(); else root.lib = factory();
        })(this, function () { return { v: 1, twice: (n) => 2 * n, 'no-name': 3 }; });"""
    },
    [1, 4, 6, "undefined"],
)
STRICT: Case = (
    """let kind; try { undeclared = 1; } catch (e) { kind = e.name; }
    const plain = (function () { return this === undefined; })();
    const out = [plain, kind, typeof module, typeof exports, this === exports];""",
    {},
    [True, "ReferenceError", "object", "object", True],
)
ESM: Case = (
    "const a = require('./a.js'); const out = [a.x, a.default, typeof require('k6/http').get, Object.keys(a).sort()];",
    {"a.js": "export const x = 1; export default 5;"},
    [1, 5, "function", ["default", "x"]],
)
CASES = {
    "nested": NESTED,
    "cycle": CYCLE,
    "once": ONCE,
    "fails": FAILS,
    "defaults": DEFAULTS,
    "whole": WHOLE,
    "strict": STRICT,
    "esm": ESM,
}


@pytest.mark.parametrize("case", CASES)
def test_modules_see_what_they_see_in_k6(run: RunScript, case: str) -> None:
    """What the top level of a script collects from its modules is what it is in k6."""
    source, files, wanted = CASES[case]
    ending = "\nexport default () => {};" if "import " in source else "\nexports.default = () => {};"
    result = run(
        f"{source} console.log('out ' + JSON.stringify(out));{ending}", "--log-format", "raw", files=files
    )
    assert result.exit_code == 0, result.stderr
    found = re.findall(r"^out (.*)$", result.stderr, re.MULTILINE)
    assert json.loads(found[-1]) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "exports.default = async () => {\n  await null;\n  console.log('ran');\n};",
        "const text = `\nexport default 5\nimport x from 'y'\n`;\nmodule.exports = () => console.log('ran');",
        "class A { async m() {\nawait 1; } }\nexports.default = () => console.log('ran');",
        "/* import.meta */ exports.default = () => console.log('ran');",
        "const k6 = require('k6');\nexport default () => console.log('ran');",
        "const k6 = require('k6');\nawait null;\nexport { main as default };\nfunction main() { console.log('ran'); }",
    ],
)
def test_a_module_is_told_by_its_own_statements(run: RunScript, source: str) -> None:
    """Lines of texts, comments and functions that look like a module's own decide nothing."""
    result = run(source)
    assert "msg=ran" in result.stderr
    assert result.exit_code == 0


def test_an_es_module_has_none_of_commonjs(run: RunScript) -> None:
    """Asking for ``module`` or ``exports`` throws, by typeof too; its own variables may have these names."""
    result = run(
        """
        import { check } from 'k6';
        import './own.js';
        const caught = [];
        for (const ask of [() => typeof module, () => exports.x]) {
          try { ask(); } catch (e) { caught.push(e.name, e.message.split('"')[1]); }
        }
        export default () => console.log(caught.join());
        """,
        "--log-format",
        "raw",
        files={"own.js": "const module = 1, exports = 2; export const sum = module + exports;"},
    )
    assert "GoError,module,GoError,exports" in result.stderr
    assert result.exit_code == 0


def test_json_may_be_required(run: RunScript) -> None:
    """It is the value, as for who imports it."""
    result = run(
        "const d = require('./d.json'); exports.default = () => console.log('got ' + d.a);",
        files={"d.json": '{"a": 5}'},
    )
    assert 'msg="got 5"' in result.stderr


def test_a_main_script_may_be_required(run: RunScript) -> None:
    """A module that requires the main script has what that has exported by then, later the rest, too."""
    result = run(
        "const a = require('./a.js'); exports.default = () => { console.log(a.kind()); }; exports.help = () => 1;",
        files={"a.js": "const main = require('./script.js'); exports.kind = () => typeof main.help;"},
    )
    assert result.exit_code == 0, result.stderr
    assert "msg=function" in result.stderr


def test_a_module_of_k6_is_its_default() -> None:
    """What is required is what ``import http from`` gives, in the same object and without another default."""
    trial = Trial(
        """
        import http from "k6/http";
        import timers from "k6/timers";
        const all = require("k6/http"), other = require("k6/timers");
        export default () => [all === http, typeof all.default, typeof all.get, other === timers];
        """
    )
    assert trial.run() == [True, "undefined", "function", True]
