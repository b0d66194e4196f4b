"""``auth: "ntlm"`` and ``auth: "digest"`` of k6 scripts, alone and in batches."""

import json
from collections.abc import Callable
from urllib.parse import unquote

from swell.testing.cli import CLIResult
from swell.testing.ntlm import DOMAIN, PASSWORD, USER, NTLMServer

RunScript = Callable[..., CLIResult]

SCRIPT = """
import http from "k6/http";
export const options = { thresholds: { http_req_failed: ["rate==0"] } };
export default async function () {
  const auth = { auth: "ntlm" };
  const told = [http.get(`${__ENV.U}/a`, auth), http.post(`${__ENV.U}/b`, "text", auth),
    ...http.batch([["GET", `${__ENV.U}/c`, null, auth], ["GET", `${__ENV.U}/d`, null, auth]]),
    await http.asyncRequest("GET", `${__ENV.U}/e`, null, auth)];
  console.log("TOLD" + encodeURIComponent(JSON.stringify(told.map((r) => [r.status, r.json("user"), r.json("body"), r.url, r.request.url]))));
}
"""


def test_ntlm(run: RunScript) -> None:
    """Credentials come from the URL, which the response and its request show, as in k6; no 401 is a failure."""
    with NTLMServer() as server:
        url = server.url.replace("//", f"//{DOMAIN}%5C{USER}:{PASSWORD}@")
        result = run(SCRIPT, "-e", f"U={url}")
        assert result.exit_code == 0, result.stderr
        told = json.loads(unquote(result.stderr.partition("TOLD")[2].split()[0].strip('"')))
        assert told == [
            [200, USER, "text" if path == "b" else "", f"{url}/{path}", f"{url}/{path}"] for path in "abcde"
        ]
        assert {kind for *_, kind, _ in server.seen} == {"none", "negotiate", "authenticate"}
        assert PASSWORD not in result.stdout


def test_ntlm_without_credentials_is_no_handshake(run: RunScript) -> None:
    """The request goes out as it is, as in k6."""
    source = """
    import http from "k6/http";
    export default () => console.log("status", http.get(`${__ENV.U}/a`, { auth: "ntlm" }).status);
    """
    with NTLMServer() as server:
        assert 'msg="status 401"' in run(source, "-e", f"U={server.url}").stderr
        assert [kind for *_, kind, _ in server.seen] == ["none"]


def test_a_digest_in_a_batch(run: RunScript, target: str) -> None:
    """The challenge is answered there, too."""
    source = """
    import http from "k6/http";
    export default function () {
      const url = `${__ENV.TARGET.replace("//", "//u:p@")}/digest-auth/u/p`;
      const all = http.batch([["GET", url, null, { auth: "digest" }], { method: "GET", url, params: { auth: "digest" } }]);
      console.log(all.map((r) => r.status).join());
    }
    """
    assert 'msg="200,200"' in run(source).stderr
