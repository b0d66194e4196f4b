"""What every service has: health, metrics, its description, trace context, and JSON for every error."""

import json
import re
import socket
from urllib.parse import urlsplit

import pytest
from target_platform import Client, Platform

from swell_target.ports import PORTS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(params=sorted(PORTS))
def client(request: pytest.FixtureRequest, target: Platform) -> Client:
    """Each service in turn."""
    return target[request.param]


def test_health_answers_get_and_head(client: Client) -> None:
    """200, for HEAD too, where the first header line has it."""
    for path in ("/health", "/healthz"):
        assert client.get(path).json()["status"] == "healthy"
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")


def test_metrics_name_what_the_alert_limits_name(client: Client) -> None:
    """Requests with latency and status, pool, cache, queue, sockets, memory and processor time."""
    client.get("/health")
    client.get("/nothing/at/all")
    text = client.get("/metrics").text
    service = re.search(r'service="(\w+)"', text)
    assert service is not None
    for series in (
        f'http_request_duration_seconds_count{{method="GET",route="/health",service="{service[1]}",status="200"}}',
        f'http_request_duration_seconds_count{{method="-",route="unknown",service="{service[1]}",status="404"}}',
        "http_request_duration_seconds_bucket",
        "db_query_duration_seconds_bucket",
        "db_pool_in_use",
        "db_pool_size",
        "websocket_connections",
        "cache_requests_total",
        "process_resident_memory_bytes",
        "process_cpu_seconds",
    ):
        assert series in text, series
    assert set(re.findall(r'service="(\w+)"', text)) == {service[1]}


def test_the_description_names_every_path(client: Client) -> None:
    """OpenAPI 3.1, with a schema for what goes in and out, and no operator's endpoint of the machinery."""
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert "/health" in document["paths"]
    assert "/admin/faults" not in document["paths"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert "500" in operation["responses"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])


def test_trace_context_goes_on(client: Client) -> None:
    """The caller's trace goes on with a span of our own; nonsense starts a new one."""
    given = client.get("/health", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    version, trace, span, flags = given.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != "00f067aa0ba902b7"
    fresh = client.get("/health", headers={"traceparent": "nonsense"}).headers["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", fresh)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/no/such/thing", 404), ("DELETE", "/health", 405), ("GET", "/admin/faults", 401)],
)
def test_errors_are_json(client: Client, method: str, path: str, status: int) -> None:
    """Unknown paths, wrong methods and missing tokens have a sentence in JSON."""
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert "error" in response.json()
    if status == 405:
        assert "GET" in response.headers["allow"]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_does_not_hurt(client: Client, raw: bytes) -> None:
    """It is refused, and the next caller is served."""
    parts = urlsplit(client.url)
    with socket.create_connection((parts.hostname, parts.port), 60) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    assert b"Traceback" not in answer
    assert client.get("/health").status_code == 200


def test_faults_are_checked(client: Client) -> None:
    """Unknown kinds, endpoints and numbers are refused with the place; nothing changes."""
    for faults in (
        [{"type": "nonsense"}],
        [{"type": "errors", "rate": 2}],
        [{"type": "errors", "rate": 1, "endpoint": "nonsense"}],
        [{"type": "latency", "distribution": {"type": "constant", "ms": 1, "more": 2}}],
    ):
        response = client.admin("PUT", "/admin/faults", json={"faults": faults})
        assert response.status_code == 422, faults
    assert client.admin("GET", "/admin/faults").json() == {"faults": []}
