"""k6/secrets and --secret-source: what scripts get, and that no secret is shown anywhere."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from swell.base.errors import ConfigError, ExitCode
from swell.cli.secret_sources import read_secret_sources
from swell.cli.system import System
from swell.testing.cli import CLIResult, SignalSource

RunScript = Callable[..., CLIResult]

SCRIPT = """
import secrets from "k6/secrets";
import http from "k6/http";
import { check } from "k6";
export const options = { iterations: 1, thresholds: { checks: ["rate>0"] } };
const early = await secrets.get("key");
export default async function () {
  const value = await secrets.get("key");
  console.log(`length ${value.length} ${value} ${early === value}`);
  console.log({ value });
  http.get(`${__ENV.TARGET}/?token=${value}`, { tags: { token: value } });
  check(1, { [`has ${value}`]: true });
  for (const ask of [() => secrets.get("none"), () => secrets.source("other").get("key")]) {
    try { await ask(); } catch (error) { console.log(`caught ${error.message}`); }
  }
  throw new Error(`with ${value}`);
}
export function handleSummary(data) {
  return { "own.json": JSON.stringify(data), stdout: JSON.stringify(data) };
}
"""
SECRET = "v3ry secret"


def test_a_secret_reaches_the_script_and_nothing_else(run: RunScript, tmp_path: Path) -> None:
    """Log, exception, tags, check names, summary files and outputs have the mark in its place."""
    result = run(
        SCRIPT,
        f"--secret-source=mock=key={SECRET}",
        "--out=json=a.json",
        "--out=csv=a.csv",
        "--summary-export=s.json",
    )
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "length 11 ***SECRET_REDACTED*** true" in result.stderr
    assert "caught no value" in result.stderr
    assert 'caught no secret source with name \\"other\\" is configured' in result.stderr
    written = [result.stdout, result.stderr]
    written += [(tmp_path / name).read_text() for name in ("a.json", "a.csv", "s.json", "own.json")]
    for text in written:
        assert SECRET not in text
        assert "***SECRET_REDACTED***" in text


def test_a_file_of_secrets(run: RunScript, tmp_path: Path) -> None:
    """KEY=VALUE lines; with several sources the script names one, or gets the default."""
    source = """
    import secrets from "k6/secrets";
    export default async function () {
      console.log((await secrets.get("a")).length, (await secrets.source("second").get("a")).length);
    }
    """
    result = run(
        source,
        "--secret-source=file=filename=s.env,default",
        "--secret-source=mock=name=second,a=four",
        files={"s.env": "a=x=yz\n\nb = c \n"},
    )
    assert 'msg="4 4" source=console' in result.stderr, result.stderr


def test_without_sources(run: RunScript) -> None:
    """Asking is an error that the script can catch."""
    source = 'import secrets from "k6/secrets"; export default async () => { await secrets.get("a"); };'
    assert "no secret sources are configured" in run(source).stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["bogus"], "there is no secret source of the type 'bogus'"),
        (["file=none.env"], "the file 'none.env' cannot be read: No such file or directory"),
        (["mock=a"], "mock: part 1 is not KEY=VALUE"),
        (["mock=a=1", "mock=b=2"], "there are two secret sources of the name 'mock'"),
        (["mock=default,a=1", "mock=name=b,default,a=1"], "both 'mock' and 'b' are to be the default"),
        (["file=bad.env"], "the line is not KEY=VALUE"),
    ],
)
def test_faults(given: list[str], told: str, tmp_path: Path) -> None:
    """Each is told at the flag, or at the line without its content; the exit code is k6's, 255."""
    (tmp_path / "bad.env").write_text("just-a-secret\n")
    none = io.StringIO()
    system = System(
        env={}, cwd=tmp_path, stdin=none, stdout=none, stderr=none, signals=SignalSource().handled
    )
    with pytest.raises(ConfigError) as caught:
        read_secret_sources(given, system)
    assert [fault.message for fault in caught.value.faults] == [told]
    assert caught.value.exit_code == ExitCode.OTHER
