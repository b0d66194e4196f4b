"""The echo server, asked by another client than swell's: the standard library's."""

import gzip
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import zlib

import brotli
import psutil
import pytest
import zstandard

from swell.net.tls import load_certificate
from swell.testing.certificates import Authority
from swell.testing.routes import ROUTES
from swell.testing.server import EchoServer


@pytest.fixture(scope="module")
def server():
    """One server for all tests here."""
    with EchoServer(tls=True) as running:
        yield running


def ask(server, method, path, body=None, headers=None):
    """Status, headers and body of one exchange over a connection of its own."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def get(server, path, **headers):
    """The JSON of a GET."""
    return json.loads(ask(server, "GET", path, headers=headers)[2])


def test_echo(server):
    """An echo tells everything about the request."""
    found = json.loads(
        ask(server, "POST", "/post?a=1&a=2&b=", b'{"x":1}', {"X-Y": "z", "Cookie": "c=d; e=f"})[2]
    )
    assert found["method"] == "POST"
    assert found["url"] == server.url + "/post?a=1&a=2&b="
    assert found["args"] == {"a": ["1", "2"], "b": ""}
    assert found["headers"]["X-Y"] == "z"
    assert found["cookies"] == {"c": "d", "e": "f"}
    assert found["origin"] == "127.0.0.1"
    assert (found["data"], found["json"], found["size"]) == ('{"x":1}', {"x": 1}, 7)


def test_forms_and_files(server):
    """Forms and multipart bodies are taken apart."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert json.loads(ask(server, "POST", "/post", "a=1&a=2&b=%20", form)[2])["form"] == {
        "a": ["1", "2"],
        "b": " ",
    }
    body = (
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data;'
        b' name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n'
    )
    found = json.loads(
        ask(server, "POST", "/post", body, {"Content-Type": "multipart/form-data; boundary=B"})[2]
    )
    assert found["form"] == {"a": "1"}
    assert found["files"]["f"]["filename"] == "n.txt"
    assert found["files"]["f"]["size"] == 5


def test_uploads_and_encoded_requests(server):
    """A body of any size is measured; a compressed one is read."""
    found = json.loads(ask(server, "PUT", "/upload", iter([b"a" * 100_000] * 3))[2])
    assert found["size"] == 300_000
    for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)):
        headers = {"Content-Encoding": name}
        assert json.loads(ask(server, "POST", "/post", pack(b"text"), headers)[2])["data"] == "text"


@pytest.mark.parametrize(
    ("path", "undo"),
    [
        ("/gzip", gzip.decompress),
        ("/deflate", zlib.decompress),
        ("/raw-deflate", lambda body: zlib.decompress(body, -15)),
        ("/br", brotli.decompress),
        ("/zstd", zstandard.decompress),
    ],
)
def test_encodings(server, path, undo):
    """Each encoding is what it says."""
    _, headers, body = ask(server, "GET", path)
    assert headers["Content-Encoding"] == path.removeprefix("/").removeprefix("raw-")
    assert json.loads(undo(body))["encoding"] == path[1:]


STATUSES = [
    ("/health", 200),
    ("/status/418", 418),
    ("/status/99", 400),
    ("/status/x", 400),
    ("/status", 400),
    ("/nope", 404),
    ("/no-content", 204),
    ("/basic-auth/u/p", 401),
    ("/bearer", 401),
    ("/redirect/1", 302),
    ("/redirect/1?status=307", 307),
    ("/redirect-to?url=/get", 302),
    ("/redirect-to?url=%0d%0a", 400),
    ("/cookies/nope", 400),
    ("/errors/100", 500),
    ("/errors/100?status=503", 503),
    ("/errors/0", 200),
    ("/delay/0", 200),
    ("/latency/fixed/1", 200),
    ("/latency/exponential/1", 200),
    ("/latency/bimodal?fast=0&slow=1&share=0.5", 200),
    ("/latency/nope", 400),
    ("/delay/-1", 400),
    ("/html", 200),
    ("/text/utf-16", 200),
    ("/text/nope", 400),
    ("/bytes/-1", 400),
]


@pytest.mark.parametrize(("path", "status"), STATUSES)
def test_statuses(server, path, status):
    """Every route answers with its status; wrong arguments are 400, unknown routes 404."""
    assert ask(server, "GET", path)[0] == status


def test_redirects(server):
    """Locations are absolute or relative, and count down."""
    assert (
        ask(server, "GET", "/redirect/2?status=307")[1]["Location"] == server.url + "/redirect/1?status=307"
    )
    assert ask(server, "GET", "/relative-redirect/2")[1]["Location"] == "/relative-redirect/1"
    assert ask(server, "GET", "/relative-redirect/1")[1]["Location"] == "/anything"


def test_cookies_and_authorisation(server):
    """Cookies are set and deleted, credentials are checked."""
    assert ask(server, "GET", "/cookies/set?a=1&b=2")[1].get_all("Set-Cookie") == [
        "a=1; Path=/",
        "b=2; Path=/",
    ]
    assert "Max-Age=0" in ask(server, "GET", "/cookies/delete?a=")[1]["Set-Cookie"]
    assert ask(server, "GET", "/cookies/raw?c=x%3Dy;%20Secure")[1]["Set-Cookie"] == "x=y; Secure"
    assert get(server, "/cookies", Cookie="a=1")["cookies"] == {"a": "1"}
    assert get(server, "/basic-auth/u/p", Authorization="Basic dTpw")["authenticated"]
    assert get(server, "/bearer", Authorization="Bearer t")["token"] == "t"


def test_bodies(server):
    """Sizes and framings are as asked for; HEAD, 204 and 304 have no body."""
    assert len(ask(server, "GET", "/bytes/300000")[2]) == 300_000
    assert len(ask(server, "GET", "/bytes/10")[2]) == 10
    assert len(ask(server, "GET", "/close-delimited/100000")[2]) == 100_000
    _, headers, body = ask(server, "GET", "/stream/3")
    assert headers["Transfer-Encoding"] == "chunked"
    assert len(body.splitlines()) == 3
    assert ask(server, "HEAD", "/bytes/300000")[1]["Content-Length"] == "300000"
    assert ask(server, "HEAD", "/stream/3")[2] == b""
    assert ask(server, "GET", "/etag/x", headers={"If-None-Match": '"x"'})[0] == 304
    assert gzip.decompress(ask(server, "GET", "/bomb/1000")[2]) == bytes(1000)


def test_faults(server):
    """Cut, reset and dropped answers are just that."""
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "GET", "/truncate")
    with pytest.raises(ConnectionResetError):
        ask(server, "GET", "/reset")
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "GET", "/drop")


def test_pipelined_requests_are_answered_in_order(server):
    """A slow answer holds up those behind it; a malformed request ends the connection with 400."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.connect()
    sock = connection.sock
    host = b" HTTP/1.1\r\nHost: h\r\n\r\n"
    sock.sendall(
        b"GET /delay/20" + host + b"GET /stream/1" + host + b"GET /status/404" + host + b"garbage\r\n\r\n"
    )
    data = b""
    while piece := sock.recv(65536):
        data += piece
    connection.close()
    assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"200", b"404", b"400"]
    assert data.endswith(b"malformed request line b'garbage'\n")


def test_expect_continue(server):
    """The interim answer comes before the body is sent."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.connect()
    connection.sock.sendall(
        b"POST /post HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sock.sendall(b"ok")
    assert connection.sock.recv(20).startswith(b"HTTP/1.1 200 OK")
    connection.close()


def test_https_and_client_certificates(server):
    """Https is trusted by way of the authority, and tells the client's certificate."""
    context = ssl.create_default_context(cadata=server.ca_pem)
    load_certificate(context, server.authority.client_certificate("Grace"))
    connection = http.client.HTTPSConnection(
        server.https_url.removeprefix("https://"), timeout=60, context=context
    )
    connection.request("GET", "/tls")
    found = json.loads(connection.getresponse().read())
    connection.close()
    assert found["version"] == "TLSv1.3"
    assert found["client"] == "Grace"


def test_stats_count(server):
    """The server counts what it sees."""
    before = get(server, "/stats")
    get(server, "/get")
    after = get(server, "/stats")
    assert after["requests"] - before["requests"] == 2
    assert after["connections"] - before["connections"] == 2


def test_the_list_of_routes(server):
    """An unknown path names those that exist."""
    assert get(server, "/nope")["routes"] == sorted(ROUTES)


FORKING_PARENT = """
import os, signal
from swell.testing.server import EchoServer
server = EchoServer().start()
child = os.fork()
if child:
    print(server.pid, child, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("way", ["signal", "stdin"])
def test_ends_when_told(way):
    """SIGTERM and a closed standard input end the process, without an error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "swell.testing.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said = json.loads(process.stdout.readline())
    assert said["url"].startswith("http://127.0.0.1:")
    assert said["pid"] == process.pid
    if way == "signal":
        os.kill(process.pid, signal.SIGTERM)
        code = process.wait(60)
        process.stdin.close()
    else:
        process.stdin.close()
        code = process.wait(60)
    assert code == 0
    assert process.stderr.read() == b""
    process.stdout.close()
    process.stderr.close()


def test_ends_with_a_killed_parent_whose_child_lives_on():
    """What the parent forked holds the pipe open: the server still ends, and nobody has to be looked for."""
    parent = subprocess.Popen(
        [sys.executable, "-c", FORKING_PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    server, child = map(int, parent.stdout.readline().split())
    ended = psutil.Process(server)
    parent.kill()
    parent.wait()
    try:
        assert psutil.wait_procs([ended], timeout=60)[1] == []
        assert psutil.pid_exists(child)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdin.close()
        parent.stdout.close()


def test_faults_at_start_are_told(server, capfd):
    """A port that is taken is an error, not a wait for ever."""
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(RuntimeError, match="did not start"):
        EchoServer(port=port).start()
    assert "address already in use" in capfd.readouterr().err


def test_without_tls_there_is_no_authority():
    """Asking for what is not there says why."""
    with pytest.raises(RuntimeError, match="without tls=True"):
        _ = EchoServer().ca_pem
    with pytest.raises(RuntimeError, match="not started"):
        _ = EchoServer().pid


def test_certificate_names():
    """A certificate holds the names asked for."""
    pem = Authority().server_pem("a.example", "127.0.0.2")
    assert pem.count("BEGIN CERTIFICATE") == 1
    assert "PRIVATE KEY" in pem
