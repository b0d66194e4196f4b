"""Where ``open()`` looks for a file: beside the module whose top level runs, as in k6."""

from collections.abc import Callable
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
IMPORT = {
    "script.js": "import { text } from './data/list.js'; export default () => console.log('got ' + text);",
    "data/list.js": "import { read } from '../lib/read.js'; export const text = read('./text.txt');",
    "lib/read.js": "export const read = (path) => [path].map((one) => open(one))[0].trim();",
}
REQUIRE = {
    "script.js": "const { text } = require('./data/list.js'); exports.default = () => console.log('got ' + text);",
    "data/list.js": "const read = require('../lib/read.js'); exports.text = read('./text.txt');",
    "lib/read.js": "module.exports = (path) => open(path).trim();",
}


@pytest.mark.parametrize("modules", [IMPORT, REQUIRE], ids=["import", "require"])
@pytest.mark.parametrize(
    ("folders", "found"),
    [(["data", "lib", "."], "data"), (["lib", "."], "lib"), (["."], ".")],
)
def test_a_helper_opens_files_of_who_calls_it(
    run: RunScript, tmp_path: Path, modules: dict[str, str], folders: list[str], found: str
) -> None:
    """What is not there is looked for beside the helper and then beside the script, where k6 gives up."""
    for folder in ("data", "lib"):
        (tmp_path / folder).mkdir()
    texts = {f"{folder}/text.txt": f"{folder}\n" for folder in folders}
    others = {name: source for name, source in modules.items() if name != "script.js"}
    result = run(modules["script.js"], files={**others, **texts})
    assert f'msg="got {found}"' in result.stderr
    assert result.exit_code == 0


def test_a_deep_stack(run: RunScript, tmp_path: Path) -> None:
    """However many calls lie between, the module at their beginning counts, and the limit of stacks stays."""
    (tmp_path / "lib").mkdir()
    result = run(
        """
        import { read } from './lib/read.js';
        const deep = (n) => (n ? deep(n - 1) : read('./text.txt'));
        const limit = Error.stackTraceLimit;
        const text = deep(50);
        export default () => console.log('got ' + text + (limit === Error.stackTraceLimit));
        """,
        files={"lib/read.js": IMPORT["lib/read.js"], "lib/text.txt": "lib", "text.txt": "root"},
    )
    assert 'msg="got roottrue"' in result.stderr
