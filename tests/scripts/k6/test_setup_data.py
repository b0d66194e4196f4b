"""What setup returns, as the iterations of a script get it: k6's own way to JSON and back."""

from collections.abc import Callable

import pytest

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
CASES = {
    "{ rows: new SharedArray('rows', () => [1]) }": '{"rows":{}}',
    "new SharedArray('rows', () => [1]).map((row) => row + 1)": "[2]",
    "new ArrayBuffer(2)": "{}",
    "new Uint8Array([1, 2])": '"AQI="',
    "new Uint8Array(0)": "null",
    "new Float32Array([0.5, 2])": "[0.5,2]",
    "[new Date(NaN), new Date(0)]": '[null,"1970-01-01T00:00:00Z"]',
    "new (class { constructor() { this.kept = 1; } toJSON() { return 2; } })()": '{"kept":1}',
    "[new String('a'), new Number(3)]": "[{},3]",
}


@pytest.mark.parametrize("returned", CASES)
def test_iterations_get_what_k6_gives(run: RunScript, returned: str) -> None:
    """Arrays that are shared and buffers arrive empty, typed arrays as lists, and toJSON is not asked."""
    result = run(
        f"""import {{ SharedArray }} from 'k6/data';
        export const options = {{ iterations: 1 }};
        const returned = {returned};
        export function setup() {{ return returned; }}
        export default (data) => {{ console.log(JSON.stringify(data)); }}""",
        "--log-format",
        "raw",
    )
    assert result.exit_code == 0
    assert CASES[returned] in result.stderr.splitlines()
