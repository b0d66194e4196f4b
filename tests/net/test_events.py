"""Server-sent events: the standard's grammar, instants and latencies, and what is no event stream."""

import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.samples import FAILED
from swell.net import failure
from swell.net.events import EventParser
from swell.net.failure import FailureError
from swell.testing.raw import RawConnection, RawServer, request, response, send

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"

STREAM = (
    b"\xef\xbb\xbf: a comment\n\ndata: first\n\nevent: add\rdata:second\rdata:  line\r\rid: 7\r\n"
    b"retry: 2500\r\ndata\r\n\r\n"
    b"nonsense: x\nretry: soon\nid: a\0b\ndata: \xc3\xbc\xff\n\nevent: empty\n\ndata: unfinished"
)
EVENTS = [
    ("message", "first", "", None),
    ("add", "second\n line", "", None),
    ("message", "", "7", 2500),
    ("message", "\u00fc\ufffd", "7", None),
]


def parsed(*pieces: bytes) -> list[tuple[str, str, str, int | None]]:
    """The events of a stream in pieces."""
    parser = EventParser(1 << 20)
    return [
        (event.event, event.data, event.id, event.retry)
        for piece in pieces
        for event in parser.feed(piece, 0)
    ]


def test_the_standards_grammar() -> None:
    """All three line ends, comments, unknown fields, empty data, ids that stay, a BOM, invalid UTF-8."""
    assert parsed(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    """However the stream is cut, the events are the same."""
    borders = [0, *sorted(cuts), len(STREAM)]
    assert parsed(*[STREAM[a:b] for a, b in pairwise(borders)]) == EVENTS


def test_byte_by_byte() -> None:
    """Also in the smallest pieces."""
    assert parsed(*[STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


@pytest.mark.parametrize("data", [b"data: " + b"x" * 2000, b"data: xxxxxxxxx\n" * 200])
def test_an_event_without_end_is_limited(data: bytes) -> None:
    """One endless line or endless lines: failure 1232."""
    with pytest.raises(FailureError) as error:
        list(EventParser(1000).feed(data, 0))
    assert error.value.failure.code == failure.BODY_TOO_LARGE


def test_events_come_as_they_are_sent_with_their_latencies(bench: Callable) -> None:
    """The latency counts from the request, the gap from the event before; both on the kernel's stamps."""
    go = threading.Semaphore(0)

    def wait(_connection: RawConnection) -> None:
        assert go.acquire(timeout=60)

    made = bench()
    script = [request(), send(HEAD), wait, send(b"id: 1\ndata: one\n\n"), wait, send(b"data: two\n\n")]
    with RawServer([script]) as server:
        seen = []
        with made.client.events("GET", server.url) as stream:
            assert stream.response.status_code == 200
            go.release()
            for event in stream:
                seen.append(event)
                go.release()
    first, second = seen
    assert (first.data, second.data, second.id) == ("one", "two", "1")
    assert first.gap == first.latency > 0
    assert second.gap == pytest.approx(second.latency - first.latency)
    assert second.gap == pytest.approx((second.received_ns - first.received_ns) / 1e6)
    (row,) = made.records()
    assert row["tags"]["status"] == "200"
    assert row["flags"] & FAILED == 0


def test_the_request_asks_for_events(bench: Callable) -> None:
    """Accept, Cache-Control and Last-Event-ID, unless the script sets its own; any method and body."""
    made = bench()
    with RawServer([[request(), send(HEAD)]]) as server:
        list(made.client.events("GET", server.url, last_event_id="41"))
        list(made.client.events("POST", server.url, json={"a": 1}, headers={"accept": "text/x"}))
        first, second = (bytes(each.received).decode() for each in server.connections)
    assert "Accept: text/event-stream\r\nCache-Control: no-store\r\nLast-Event-ID: 41\r\n" in first
    assert second.startswith("POST / HTTP/1.1\r\n")
    assert "Accept: text/event-stream" not in second
    assert second.endswith('{"a":1}')


def test_leaving_the_loop_closes_the_connection(bench: Callable) -> None:
    """No failure, and no with is needed."""
    ended = threading.Event()

    def wait_for_the_end(connection: RawConnection) -> None:
        while connection.read_some():
            pass
        ended.set()

    made = bench()
    with RawServer([[request(), send(HEAD + b"data: 1\n\ndata: 2\n\n"), wait_for_the_end]]) as server:
        for event in made.client.events("GET", server.url):
            assert event.data == "1"
            break
        assert ended.wait(60)
    (row,) = made.records()
    assert row["flags"] & FAILED == 0


def test_another_content_type_is_a_failure(bench: Callable) -> None:
    """1239: as a browser, which gives up on it."""
    made = bench()
    with RawServer([[request(), send(response(b"<p>", headers=["Content-Type: text/html"]))]]) as server:
        stream = made.client.events("GET", server.url)
    assert list(stream) == []
    assert stream.response.error_code == failure.NOT_EVENTS
    assert stream.response.error == "read: no event stream but text/html"
    (row,) = made.records()
    assert row["flags"] & FAILED


@pytest.mark.parametrize(("status", "failed"), [("204 No Content", False), ("503 Busy", True)])
def test_other_statuses_have_no_events(bench: Callable, status: str, failed: bool) -> None:
    """204 says that there are no more; an error is judged by its status; its body is there to be read."""
    made = bench()
    body = b"" if status.startswith("204") else b"data: no event\n\n"
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with RawServer([[request(), send(answer)]]) as server:
        stream = made.client.events("GET", server.url)
    assert list(stream) == []
    assert stream.response.content == body
    (row,) = made.records()
    assert bool(row["flags"] & FAILED) is failed


def test_silence_is_limited(bench: Callable) -> None:
    """chunk_timeout ends the events; response says why."""
    made = bench()
    with RawServer([[request(), send(HEAD + b"data: 1\n\n"), request()]]) as server:
        stream = made.client.events("GET", server.url, chunk_timeout="50ms")
        assert [event.data for event in stream] == ["1"]
    assert stream.response.error_code == failure.TIMEOUT


def test_an_event_that_is_too_large_is_a_failure(bench: Callable) -> None:
    """In a request: 1232 on the response."""
    made = bench(max_response_body_bytes=1000)
    with RawServer([[request(), send(HEAD + b"data: 1\n\ndata: " + b"x" * 5000)]]) as server:
        stream = made.client.events("GET", server.url)
        assert [event.data for event in stream] == ["1"]
    assert stream.response.error_code == failure.BODY_TOO_LARGE
