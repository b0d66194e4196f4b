"""The client over a scripted transport: records, tags, redirects, cookies, retries."""

from collections.abc import Callable
from time import monotonic_ns

import pytest

from swell.metrics.samples import ERROR, FAILED, JUDGED, NEW_CONNECTION, STAMPED
from swell.net.http1 import TruncatedError
from swell.net.response import RequestError
from swell.testing.transport import Exchange, ScriptedTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
URL = "http://127.0.0.1:8000/items?id=1"


def redirect(status: int, location: str, *more: str) -> bytes:
    """A redirect's bytes."""
    lines = [f"HTTP/1.1 {status} Moved", f"Location: {location}", "Content-Length: 0", *more, "", ""]
    return "\r\n".join(lines).encode()


def scripted(bench: Callable, *exchanges: Exchange | bytes, **options: object):
    """A bench whose connections answer with the exchanges."""
    made = bench(**options)
    transport = ScriptedTransport(exchanges)
    made.shared.connect = transport
    return made, transport


def test_a_get_is_sent_as_k6_sends_it(bench: Callable) -> None:
    """Host and User-Agent, no Accept: what k6 sends and nothing else."""
    made, transport = scripted(bench, OK)
    response = made.client.request("GET", URL)
    assert transport.requests == [
        b"GET /items?id=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: swell-tests\r\n\r\n"
    ]
    assert (response.status_code, response.text, response.ok, response.error) == (200, "ok", True, "")


def test_an_exchange_becomes_one_record_with_its_phases(bench: Callable) -> None:
    """Waiting and receiving are the transport's stamps to the nanosecond; sizes are the wire's."""
    made, transport = scripted(bench, Exchange(OK[:20], OK[20:], waiting_ns=5_000_000, receiving_ns=70_000))
    response = made.client.request("GET", URL)
    (record,) = made.records()
    assert (record["waiting_ns"], record["receiving_ns"]) == (5_000_000, 70_000)
    assert (record["sent_bytes"], record["received_bytes"]) == (len(transport.requests[0]), len(OK))
    assert record["flags"] == JUDGED | STAMPED | NEW_CONNECTION
    assert record["tags"] == {
        "expected_response": "true",
        "method": "GET",
        "name": URL,
        "proto": "HTTP/1.1",
        "scenario": "default",
        "status": "200",
        "url": URL,
    }
    timings = response.timings
    assert timings.duration == timings.sending + timings.waiting + timings.receiving
    assert (timings.waiting, timings.receiving) == (5.0, 0.07)


def test_an_answer_stamped_before_send_returned_ends_the_sending_phase(bench: Callable) -> None:
    """The phases stay non-negative and add up when the target is faster than our own system call."""
    made, _ = scripted(bench, Exchange(OK, sending_ns=10_000_000, waiting_ns=-4_000_000))
    before_ns = monotonic_ns()
    made.client.request("GET", URL)
    (record,) = made.records()
    assert record["waiting_ns"] == 0
    assert 6_000_000 <= record["sending_ns"] <= record["ended_ns"] - before_ns


def test_connections_are_kept_and_reused(bench: Callable) -> None:
    """Two requests, one connection; only the first record is marked new."""
    made, transport = scripted(bench, OK, OK)
    made.client.request("GET", URL)
    made.client.request("GET", URL)
    assert len(transport.connections) == 1
    assert [bool(row["flags"] & NEW_CONNECTION) for row in made.records()] == [True, False]


def test_a_server_that_says_close_is_believed(bench: Callable) -> None:
    """Connection: close ends the connection after the response."""
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    made, transport = scripted(bench, closing, OK)
    made.client.request("GET", URL)
    made.client.request("GET", URL)
    assert len(transport.connections) == 2


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("PUT", 3), ("POST", 2)])
def test_a_kept_connection_that_was_closed_is_replaced_for_idempotent_requests(
    bench: Callable, method: str, sent: int
) -> None:
    """RFC 9110, 9.2.2: GET and PUT are sent again, POST is not: it may have been carried out."""
    made, transport = scripted(bench, OK, Exchange(error=TruncatedError("closed")), OK)
    made.client.request("GET", URL)
    response = made.client.request(method, URL)
    assert len(transport.requests) == sent
    assert response.status_code == (200 if sent == 3 else 0)


def test_a_fresh_connection_that_fails_is_a_failure(bench: Callable) -> None:
    """No second try where the server never answered: the failure is the target's, with its code."""
    made, transport = scripted(bench, Exchange(error=ConnectionResetError(104, "reset")))
    response = made.client.request("GET", URL)
    (record,) = made.records()
    assert (response.status_code, response.error_code, len(transport.requests)) == (0, 1220, 1)
    assert record["flags"] & (FAILED | JUDGED | ERROR) == FAILED | JUDGED | ERROR
    assert (record["tags"]["status"], record["tags"]["error_code"]) == ("0", "1220")
    (row,) = made.errors.drain()
    assert (row.code, row.method, row.name, row.count) == (1220, "GET", URL, 1)


def test_failures_of_one_kind_are_logged_once(bench: Callable) -> None:
    """A thousand refused requests are one log line and one counted row."""
    made, _ = scripted(bench, *[Exchange(error=ConnectionResetError(104, "reset"))] * 50)
    for _ in range(50):
        made.client.request("GET", URL)
    assert len(made.logged) == 1
    assert [row.count for row in made.errors.drain()] == [50]


def test_an_error_status_is_a_failed_response_with_its_code(bench: Callable) -> None:
    """503: no exception, code 1503, failed, counted."""
    made, _ = scripted(bench, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    response = made.client.request("GET", URL)
    (record,) = made.records()
    assert (response.status_code, response.error_code, response.error, response.reason) == (
        503,
        1503,
        "",
        "Busy",
    )
    assert record["flags"] & FAILED
    assert (record["tags"]["error_code"], record["tags"]["expected_response"]) == ("1503", "false")
    with pytest.raises(RequestError, match="503 Busy"):
        response.raise_for_status()


def test_expected_decides_what_is_a_failure(bench: Callable) -> None:
    """A 404 that the script expects is no failure, a 200 that it does not expect is one."""
    made, _ = scripted(bench, b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", OK)
    made.client.request("GET", URL, expected=lambda status: status == 404)
    made.client.request("GET", URL, expected=lambda status: status == 404)
    assert [bool(row["flags"] & FAILED) for row in made.records()] == [False, True]


def test_name_and_tags_group_urls(bench: Callable) -> None:
    """With a name, url and name are that name; other tags come along."""
    made, _ = scripted(bench, OK, OK)
    for number in (1, 2):
        made.client.request("GET", f"http://127.0.0.1:8000/{number}", name="/{id}", tags={"kind": "simple"})
    first, second = made.records()
    assert first["tags"] == second["tags"]
    assert (first["tags"]["url"], first["tags"]["name"], first["tags"]["kind"]) == (
        "/{id}",
        "/{id}",
        "simple",
    )


def test_tags_of_a_script_do_not_hide_those_that_are_set_by_themselves(bench: Callable) -> None:
    """As in k6: method, status and url tell what happened."""
    made, _ = scripted(bench, OK)
    url = "http://127.0.0.1:8000/"
    made.client.request("GET", url, tags={"method": "x", "status": "y", "url": "z", "kind": "simple"})
    (record,) = made.records()
    tags = record["tags"]
    assert (tags["method"], tags["status"], tags["url"], tags["kind"]) == ("GET", "200", url, "simple")


def test_an_empty_user_agent_is_none(bench: Callable) -> None:
    """The header is left out, as in k6."""
    made, transport = scripted(bench, OK)
    made.client.request("GET", "http://127.0.0.1:8000/", headers={"user-agent": ""})
    assert transport.requests == [b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"]


def test_credentials_in_urls_are_sent_and_never_shown(bench: Callable) -> None:
    """Basic authentication from the URL; the tags and the log have asterisks."""
    made, transport = scripted(bench, Exchange(error=ConnectionResetError(104, "reset")), OK)
    made.client.request("GET", "http://user:secret@127.0.0.1:8000/")
    made.client.request("GET", "http://127.0.0.1:8000/", auth=("user", "secret"))
    assert all(b"Authorization: Basic dXNlcjpzZWNyZXQ=" in request for request in transport.requests)
    shown = str(made.records()) + str(made.logged) + str(made.errors.drain())
    assert "secret" not in shown


def test_redirects_are_followed_each_with_its_own_record(bench: Callable) -> None:
    """302 after POST becomes GET without body; history keeps the way."""
    made, transport = scripted(bench, redirect(302, "/next"), OK)
    response = made.client.request("POST", URL, json={"a": 1})
    assert transport.requests[1].startswith(b"GET /next HTTP/1.1\r\n")
    assert b"Content-" not in transport.requests[1]
    assert (response.url, [hop.status_code for hop in response.history]) == (
        "http://127.0.0.1:8000/next",
        [302],
    )
    assert [row["tags"]["status"] for row in made.records()] == ["302", "200"]


@pytest.mark.parametrize("status", [307, 308])
def test_307_and_308_keep_method_and_body(bench: Callable, status: int) -> None:
    """The request is sent again as it was."""
    made, transport = scripted(bench, redirect(status, "/next"), OK)
    made.client.request("PUT", URL, data="payload")
    assert transport.requests[1].startswith(b"PUT /next")
    assert transport.requests[1].endswith(b"\r\n\r\npayload")


def test_the_redirect_limit_gives_the_last_redirect(bench: Callable) -> None:
    """A loop ends with the 3xx response, not with an exception."""
    made, transport = scripted(bench, *[redirect(302, "/again")] * 4)
    response = made.client.request("GET", URL, max_redirects=3)
    assert (response.status_code, len(transport.requests)) == (302, 4)


def test_no_redirect_is_followed_when_none_is_allowed(bench: Callable) -> None:
    """max_redirects=0 gives the redirect itself."""
    made, transport = scripted(bench, redirect(301, "/next"))
    assert made.client.request("GET", URL, max_redirects=0).status_code == 301
    assert len(transport.requests) == 1


def test_secrets_stay_behind_when_a_redirect_leaves_the_host(bench: Callable) -> None:
    """Authorization and given cookies are not sent to another host."""
    made, transport = scripted(bench, redirect(302, "http://127.0.0.2:8000/"), OK)
    made.client.request("GET", URL, auth=("u", "p"), cookies={"session": "s"}, headers={"X-Trace": "1"})
    assert b"Authorization" in transport.requests[0]
    assert b"session=s" in transport.requests[0]
    assert b"Authorization" not in transport.requests[1]
    assert b"session" not in transport.requests[1]
    assert b"X-Trace: 1" in transport.requests[1]


@pytest.mark.parametrize(
    ("origin", "target", "as_go", "goes_along"),
    [
        ("a.test", "sub.a.test", True, True),
        ("a.test", "sub.a.test", False, False),
        ("sub.a.test", "a.test", True, False),
        ("a.test", "xa.test", True, False),
    ],
)
def test_headers_go_along_to_hosts_below_as_in_go(
    bench: Callable, origin: str, target: str, as_go: bool, goes_along: bool
) -> None:
    """Only where the rules are k6's, and only downwards."""
    hosts = dict.fromkeys((origin, target), "127.0.0.1")
    made, transport = scripted(bench, redirect(302, f"http://{target}/"), OK, hosts=hosts, max_redirects=1)
    made.shared.factory.keeps_credentials = as_go
    made.client.request("GET", f"http://{origin}/", headers={"Authorization": "Bearer x"})
    assert (b"Authorization: Bearer x" in transport.requests[1]) == goes_along


def test_a_redirect_to_another_scheme_is_a_coded_failure(bench: Callable) -> None:
    """ftp: is not followed; the response says so with code 1020."""
    made, _ = scripted(bench, redirect(302, "ftp://127.0.0.1/file"))
    response = made.client.request("GET", URL)
    assert (response.status_code, response.error_code) == (0, 1020)


def test_cookies_come_back_and_end_with_the_iteration(bench: Callable) -> None:
    """Set-Cookie is stored, sent, and forgotten after the iteration."""
    setting = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    made, transport = scripted(bench, setting, OK, OK)
    assert made.client.request("GET", URL).cookies == {"a": "1", "b": "2"}
    made.client.request("GET", URL)
    made.client.end_iteration()
    made.client.request("GET", URL)
    assert b"Cookie: a=1; b=2\r\n" in transport.requests[1]
    assert b"Cookie" not in transport.requests[2]


def test_cookies_stay_with_no_cookies_reset(bench: Callable) -> None:
    """The option keeps the jar over iterations."""
    setting = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    made, transport = scripted(bench, setting, OK, no_cookies_reset=True)
    made.client.request("GET", URL)
    made.client.end_iteration()
    made.client.request("GET", URL)
    assert b"Cookie: a=1\r\n" in transport.requests[1]


def test_connections_end_with_the_iteration_on_request(bench: Callable) -> None:
    """no_vu_connection_reuse opens a new connection in the next iteration."""
    made, transport = scripted(bench, OK, OK, no_vu_connection_reuse=True)
    made.client.request("GET", URL)
    made.client.end_iteration()
    made.client.request("GET", URL)
    assert len(transport.connections) == 2


def test_headers_of_the_script_replace_the_defaults_and_cannot_break_the_head(bench: Callable) -> None:
    """Case-insensitive replacement; a line break in a value is refused."""
    made, transport = scripted(bench, OK)
    made.client.request("GET", URL, headers={"user-agent": "mine", "Host": "shop.example"})
    assert b"user-agent: mine\r\n" in transport.requests[0]
    assert b"Host: shop.example\r\n" in transport.requests[0]
    assert b"swell-tests" not in transport.requests[0]
    with pytest.raises(ValueError, match="line break"):
        made.client.request("GET", URL, headers={"X": "a\r\nEvil: 1"})
    with pytest.raises(ValueError, match="header name"):
        made.client.request("GET", URL, headers={"X:": "a"})


def test_bodies_have_their_length_and_type(bench: Callable) -> None:
    """JSON, forms, streams of unknown length, and an empty POST."""
    made, transport = scripted(bench, OK, OK, OK, OK)
    made.client.request("POST", URL, json={"a": 1})
    made.client.request("POST", URL, data={"a": "1 2"})
    made.client.request("POST", URL, content=iter([b"ab", b"c"]))
    made.client.request("POST", URL)
    json_body, form, stream, empty = transport.requests
    assert b"Content-Type: application/json\r\nContent-Length: 7\r\n\r\n" in json_body
    assert b"application/x-www-form-urlencoded" in form
    assert form.endswith(b"\r\n\r\na=1+2")
    assert stream.endswith(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert b"Content-Length: 0\r\n" in empty


def test_throw_turns_failures_into_exceptions(bench: Callable) -> None:
    """With the option throw a network failure raises; an error status does not (k6)."""
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    made, _ = scripted(bench, Exchange(error=ConnectionResetError(104, "reset")), busy, throw=True)
    with pytest.raises(RequestError, match="reset"):
        made.client.request("GET", URL)
    assert made.client.request("GET", URL).status_code == 503


@pytest.mark.parametrize("url", ["", "items", "ftp://host/", "http://", "http://a b/", "http://host:99999/"])
def test_an_invalid_url_is_a_response_with_code_1020(bench: Callable, url: str) -> None:
    """As in k6: no exception, no sample, a counted error."""
    made, _ = scripted(bench)
    response = made.client.request("GET", url)
    assert (response.status_code, response.error_code) == (0, 1020)
    assert made.records() == []
    assert [row.code for row in made.errors.drain()] == [1020]


def test_batch_answers_in_order(bench: Callable) -> None:
    """Responses stand in the order of the requests, whatever their forms."""
    answers = [f"HTTP/1.1 20{i} OK\r\nContent-Length: 0\r\n\r\n".encode() for i in (0, 1, 2)]
    made, transport = scripted(bench, *answers)
    responses = made.client.batch([URL, ("POST", URL), ("PUT", URL, {"json": 1})])
    assert [response.request.method for response in responses] == ["GET", "POST", "PUT"]
    assert len(transport.requests) == 3


def test_a_batch_of_nonsense_raises(bench: Callable) -> None:
    """What is no request is the script's fault."""
    made, _ = scripted(bench)
    with pytest.raises(TypeError, match="batch item"):
        made.client.batch([42])  # type: ignore[list-item]


def test_broken_compression_is_a_coded_failure(bench: Callable) -> None:
    """Content-Encoding: gzip with something else inside: code 1701, the connection lives on."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    made, transport = scripted(bench, broken, OK)
    response = made.client.request("GET", URL)
    assert (response.error_code, response.content) == (1701, b"")
    assert made.client.request("GET", URL).status_code == 200
    assert len(transport.connections) == 1


def test_json_errors_name_the_request(bench: Callable) -> None:
    """A body that is no JSON says which request answered so."""
    made, _ = scripted(bench, OK)
    with pytest.raises(ValueError, match=r"GET http://127.0.0.1:8000/items\?id=1 is not JSON"):
        made.client.request("GET", URL).json()
