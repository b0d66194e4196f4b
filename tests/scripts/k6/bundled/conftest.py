"""Runs snippets that import bundled libraries by URL; what they call in k6 is recorded."""

import hashlib
import hmac
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from swell.scripts.k6 import builtins
from swell.testing.k6 import Trial

RunSnippet = Callable[..., Any]

# Stand-ins for k6's modules that note their calls in `calls`; a test may set `respond` and `exec`.
RECORDERS = {
    "k6": """
        const call = (...what) => { globalThis.calls.push(what); };
        export const group = (name, body) => { call('group', name); return body(); };
        export const check = (value, sets, tags) => Object.entries(sets).map(([name, condition]) => {
            const passed = Boolean(typeof condition === 'function' ? condition(value) : condition);
            call('check', name, passed, ...(tags && Object.keys(tags).length ? [tags] : []));
            return passed;
        }).every(Boolean);
        export const fail = (reason) => { throw new Error(reason); };
        export const sleep = (seconds) => { call('sleep', seconds); };
        export default { group, check, fail, sleep };
    """,
    "k6/http": """
        const answer = (...what) => {
            globalThis.calls.push(what);
            const fixed = { status: 200, timings: { duration: 12 } };
            return globalThis.respond ? globalThis.respond(...what) : fixed;
        };
        const http = {};
        const names = 'request asyncRequest batch get post put patch del head options'.split(' ');
        for (const name of names) http[name] = (...given) => answer(name, ...given);
        export const { request, asyncRequest, batch, get, post, put, patch, del, head, options } = http;
        export default http;
    """,
    # The digest is the real one; k6/crypto itself has its own tests.
    "k6/crypto": """
        import host from 'swell:host/recorders';
        const bytes = (data) => (typeof data === 'string' ? data : new Uint8Array(data));
        const shown = (digest, encoding) => (encoding === 'binary' ? digest
            : Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join(''));
        export const hmac = (algorithm, key, data, encoding) => shown(host.hmac(algorithm, bytes(key), bytes(data)), encoding);
        export const sha256 = (data, encoding) => shown(host.sha256(bytes(data)), encoding);
        export const randomBytes = (size) => Uint8Array.from({ length: size }, () => Math.random() * 256).buffer;
        export default { hmac, sha256, randomBytes };
    """,
    "k6/execution": """
        const fresh = { scenario: {}, test: { options: {} }, vu: { tags: {} }, instance: {} };
        const exec = globalThis.exec ??= fresh;
        export const { scenario, test, vu, instance } = exec;
        export default exec;
    """,
}


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunSnippet:
    """Runs the body of an async function below import lines; gives what it returns."""
    host = ModuleType("swell.scripts.k6.hosts.recorders")
    host.functions = lambda _vu: {  # type: ignore[attr-defined]
        "hmac": lambda name, key, data: hmac.digest(_bytes(key), _bytes(data), name),
        "sha256": lambda data: hashlib.sha256(_bytes(data)).digest(),
    }
    monkeypatch.setitem(sys.modules, "swell.scripts.k6.hosts.recorders", host)
    original_names, original_source = builtins.names(), builtins.source
    monkeypatch.setattr(builtins, "names", lambda: (*original_names, *RECORDERS))
    monkeypatch.setattr(
        builtins, "source", lambda name: RECORDERS[name] if name in RECORDERS else original_source(name)
    )

    def go(imports: str, body: str) -> Any:
        prelude = "globalThis.calls = []; globalThis.exec = undefined; export {};"
        source = f"import './prelude.js';\n{imports}\nexport default async function () {{\n{body}\n}}"
        return Trial(source, files={"prelude.js": prelude}).run()

    return go
