"""The response time of open-model requests: from when they were due."""

from collections.abc import Callable
from typing import Any

from swell.metrics.samples import SAMPLE
from swell.net.resolver import Endpoint
from swell.testing.transport import Exchange, ScriptedTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
URL = "http://127.0.0.1:1/x"
MS = 1_000_000


def opened(bench: Callable[..., Any], *exchanges: Any) -> Any:
    """A bench whose server answers as scripted."""
    made = bench()
    made.shared.connect = ScriptedTransport(exchanges)
    return made


def response_times(made: Any) -> list[float]:
    """The samples of the metric, in milliseconds."""
    _, samples = made.recorder.take()
    rows = list(SAMPLE.iter_unpack(bytes(samples)))
    assert all(made.registry.series_key(row[0])[0] == "http_req_response_time" for row in rows)
    return [row[2] for row in rows]


def test_the_closed_model_has_none(bench: Callable[..., Any]) -> None:
    """Where no start was planned, nothing was due."""
    made = opened(bench, Exchange(OK))
    made.client.request("GET", URL)
    assert response_times(made) == []


def test_the_first_request_waited_since_the_iteration_was_due(bench: Callable[..., Any]) -> None:
    """An iteration that started 70 ms late: the user waits that much longer, but once."""
    made = opened(bench, Exchange(OK, waiting_ns=5 * MS), Exchange(OK, waiting_ns=5 * MS))
    made.vu.start_lag_ns = 70 * MS
    first = made.client.request("GET", URL).timings
    second = made.client.request("GET", URL).timings
    one, two = response_times(made)
    assert abs(one - (70 + first.blocked + first.duration)) < 1e-6
    assert abs(two - (second.blocked + second.duration)) < 1e-6


def test_a_failed_request_was_waited_for_too(bench: Callable[..., Any]) -> None:
    """Until the failure was known."""
    made = bench()
    made.vu.start_lag_ns = 20 * MS

    def refuse(address: Endpoint, source: str | None) -> Any:
        raise ConnectionRefusedError(111, "refused")

    made.shared.connect = refuse
    made.client.request("GET", URL)
    (waited,) = response_times(made)
    assert waited >= 20


def test_the_tags_are_the_requests(bench: Callable[..., Any]) -> None:
    """Thresholds on submetrics work as on http_req_duration."""
    made = opened(bench, Exchange(OK))
    made.vu.start_lag_ns = 0
    made.client.request("GET", URL, name="/x")
    _http, samples = made.recorder.take()
    (row,) = SAMPLE.iter_unpack(bytes(samples))
    tags = made.registry.series_key(row[0])[1].as_dict()
    assert (tags["name"], tags["status"]) == ("/x", "200")
