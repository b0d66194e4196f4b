"""http-instrumentation-tempo and -pyroscope: the headers that they add to every request."""

import re
from collections.abc import Callable
from typing import Any

import pytest

RunSnippet = Callable[..., Any]

TEMPO = """
import tempo from 'https://jslib.k6.io/http-instrumentation-tempo/1.0.1/index.js';
import http from 'k6/http';
import exec from 'k6/execution';
"""
PYROSCOPE = """
import pyroscope from 'https://jslib.k6.io/http-instrumentation-pyroscope/1.0.2/index.js';
import http from 'k6/http';
import exec from 'k6/execution';
"""
# What of the run the libraries read and write.
PLACE = "exec.vu.metrics = { tags: {}, metadata: {} }; exec.scenario.name = 'main'; globalThis.__ENV ??= {};"
CALLS = """
http.get('http://a/1', { headers: { x: '1' }, tags: { name: 'N' } });
http.post('http://a/2', 'body');
http.del('http://a/3');
http.request('PUT', 'http://a/4', 'body');
"""


def test_every_function_traces(run: RunSnippet) -> None:
    """Headers and parameters of the script stay; each request has a trace of its own, told in its metadata."""
    body = f"""
        {PLACE}
        const seen = [];
        globalThis.respond = () => {{ seen.push(exec.vu.metrics.metadata.trace_id); return 5; }};
        tempo.instrumentHTTP({{ propagator: 'w3c' }});
        {CALLS}
        return [globalThis.calls, seen, exec.vu.metrics.metadata];
    """
    calls, seen, left = run(TEMPO, body)
    assert [call[:-1] for call in calls] == [
        ["get", "http://a/1"],
        ["post", "http://a/2", "body"],
        ["del", "http://a/3", None],
        ["request", "PUT", "http://a/4", "body"],
    ]
    assert calls[0][-1]["headers"]["x"] == "1"
    assert calls[0][-1]["tags"] == {"name": "N"}
    traces = [
        re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", call[-1]["headers"]["traceparent"])
        for call in calls
    ]
    assert [trace and trace[1] for trace in traces] == seen
    assert len(set(seen)) == 4
    assert left == {}


@pytest.mark.parametrize(
    ("options", "header", "pattern"),
    [
        ("{ propagator: 'jaeger' }", "uber-trace-id", r"[0-9a-f]{32}:[0-9a-f]{8}:0:1"),
        ("{ sampling: 0 }", "traceparent", r"00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
    ],
)
def test_a_client_leaves_the_module_alone(run: RunSnippet, options: str, header: str, pattern: str) -> None:
    """It traces its own requests only, as its options say."""
    body = f"""
        {PLACE}
        const client = new tempo.Client({options});
        client.get('http://a/1');
        http.get('http://a/2');
        return globalThis.calls;
    """
    traced, plain = run(TEMPO, body)
    assert re.fullmatch(pattern, traced[-1]["headers"][header])
    assert plain == ["get", "http://a/2"]


def test_options_that_are_none(run: RunSnippet) -> None:
    """An unknown propagator or rate is said."""
    body = """
        const told = [];
        for (const options of [{ propagator: 'x' }, { sampling: 2 }]) try { new tempo.Client(options); } catch (e) { told.push(e.message); }
        return told;
    """
    assert run(TEMPO, body) == [
        'tempo: there is no propagator "x", only w3c and jaeger',
        "tempo: sampling is a number from 0 to 1",
    ]


def test_baggage(run: RunSnippet) -> None:
    """Scenario and name of the request, which is its URL where it has none; or headers of one's own."""
    body = f"""
        {PLACE}
        pyroscope.instrumentHTTP();
        {CALLS}
        const own = new pyroscope.Client((method, body, params) => ({{ own: `${{method}} ${{body}}` }}));
        own.post('http://a/5', 'b');
        own.del('http://a/6');
        return globalThis.calls.map((call) => call[call.length - 1].headers);
    """
    headers = run(PYROSCOPE, body)
    assert headers[0] == {"x": "1", "baggage": "k6.scenario=main, k6.name=N"}
    assert headers[1] == {"baggage": "k6.scenario=main, k6.name=http%3A%2F%2Fa%2F2"}
    assert [header["own"] for header in headers[4:]] == ["POST b", "DELETE null"]
