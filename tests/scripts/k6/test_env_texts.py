"""What scripts see of __ENV when they write to it, as k6 was seen to do."""

from collections.abc import Callable

from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]


def test_values_become_text(run: RunScript) -> None:
    """A number, a truth value, an object; null and undefined are empty. The rest is an object's."""
    source = """
        __ENV.N = 5; __ENV.B = true; __ENV.O = {}; __ENV.U = undefined; __ENV["X"] = null;
        console.log([__ENV.N + 1, typeof __ENV.B, __ENV.O, __ENV.U === "", __ENV.X === ""].join());
        console.log([delete __ENV.N, __ENV.N, "N" in __ENV, Object.keys(__ENV).includes("B")].join());
        console.log(JSON.stringify({...__ENV}.B), __ENV.GIVEN);
        export default function () {}
    """
    result = run(source, "-e", "GIVEN=yes")
    assert result.exit_code == 0
    for line in ('"51,string,[object Object],true,true"', '"true,,false,true"', '"\\"true\\" yes"'):
        assert f"msg={line}" in result.stderr


def test_what_is_set_lasts_until_an_activation(run: RunScript) -> None:
    """Setup sees what the top level has set, iterations do not; they see what iterations of their VU have set."""
    source = """
        export const options = {scenarios: {
          one: {executor: "per-vu-iterations", iterations: 2, env: {OWN: "1"}},
          two: {executor: "per-vu-iterations", startTime: "1s", exec: "second"},
        }};
        __ENV.EARLY = "top";
        export function setup() { console.log("setup", __ENV.EARLY); }
        export default function () {
          console.log("one", __ENV.EARLY, __ENV.GIVEN, __ENV.OWN, __ENV.LATE);
          __ENV.LATE = "iteration";
          __ENV.GIVEN = "no";
        }
        export function second() { console.log("two", __ENV.EARLY, __ENV.GIVEN, __ENV.OWN, __ENV.LATE); }
    """
    result = run(source, "-e", "GIVEN=yes")
    assert result.exit_code == 0
    for line in (
        "setup top",
        "one undefined yes 1 undefined",
        "one undefined no 1 iteration",
        "two undefined yes undefined undefined",
    ):
        assert f'msg="{line}"' in result.stderr
