"""Files come in as forms bring them, and bodies that are too large get an answer, not a reset connection."""

import hashlib
import http.client
import json
import os
from urllib.parse import urlsplit

import pytest
from target_platform import Client, Platform

MOCK = {"Authorization": "Bearer mock-token"}
SUBMIT = "/api/assignments/clh1234567890-a01/submit"
# What no text holds: every byte, with line breaks and something like a boundary among them.
BINARY = bytes(range(256)) * 40 + b"\r\n--not the boundary\r\n\0"


@pytest.fixture
def aspire(target: Platform) -> Client:
    """The service with submissions."""
    return target["aspire"]


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    """A body with the boundary ``b``."""
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


def test_a_submission_with_files_as_a_form_sends_it(aspire: Client) -> None:
    """Text and files of any bytes, several under one name, a path in a name; they come back as they were."""
    files = [
        ("files", ("../notes.txt", "Größe".encode(), "text/plain")),
        ("files", ("C:\\scan.pdf", BINARY, "application/pdf")),
        ("other", ("leer", b"")),
    ]
    made = aspire.post(SUBMIT, data={"content": "Lösung\n\nzwei"}, files=files, headers=MOCK)
    assert made.status_code == 201, made.text
    assert made.json()["content"] == "Lösung\n\nzwei"
    assert made.json()["files"] == [
        {"name": "notes.txt", "type": "text/plain", "size": 7},
        {"name": "scan.pdf", "type": "application/pdf", "size": len(BINARY)},
        {"name": "leer", "type": "application/octet-stream", "size": 0},
    ]
    path = SUBMIT.removesuffix("submit") + "submission/files/scan.pdf"
    assert aspire.get(path, headers=MOCK).content == BINARY


def test_a_file_in_json_may_be_base64(aspire: Client) -> None:
    """Where it is no text."""
    file = {"name": "x", "content": "AAECAw==", "encoding": "base64"}
    made = aspire.post(SUBMIT, json={"content": "x", "files": [file]}, headers=MOCK)
    assert (made.status_code, made.json()["files"][0]["size"]) == (201, 4)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "end is missing"),
        (b"nonsense", 400, "end is missing"),
        (form(b'content-disposition: form-data; name="content"\r\n\r\nx', end=b""), 400, "end is missing"),
        (form(b"x: y\r\n\r\nz"), 400, "no name"),
        (form(b'content-disposition: form-data; name="content"'), 400, "no name"),
        (form(*[b'content-disposition: form-data; name="content"\r\n\r\nx'] * 101), 400, "100 parts"),
        (form(b'content-disposition: form-data; name="other"\r\n\r\nx'), 422, "content"),
        (form(b'content-disposition: form-data; name="content"\r\n\r\na\0b'), 422, "U+0000"),
        (
            form(
                b'content-disposition: form-data; name="content"\r\n\r\nx',
                b'content-disposition: form-data; name="f"; filename="big"\r\n\r\n' + b"y" * 1_000_001,
            ),
            413,
            "larger than 1000000 bytes",
        ),
    ],
)
def test_malformed_forms_are_refused(aspire: Client, body: bytes, status: int, reason: str) -> None:
    """The status, and a sentence that says why."""
    headers = MOCK | {"Content-Type": "multipart/form-data; boundary=b"}
    answer = aspire.post(SUBMIT, data=body, headers=headers)
    assert answer.status_code == status
    assert reason in answer.json()["error"]


def test_a_form_without_a_boundary_is_refused(aspire: Client) -> None:
    """Nothing can be read of it."""
    answer = aspire.post(SUBMIT, data=b"x", headers=MOCK | {"Content-Type": "multipart/form-data"})
    assert (answer.status_code, "boundary" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("path", ["/api/v1/upload", "/files/upload"])
def test_aiaas_takes_a_form_s_file(target: Platform, path: str) -> None:
    """By the whole body's size and digest, as with JSON."""
    answer = target["aiaas"].post(path, data={"file_type": "document"}, files={"file": ("a.bin", BINARY)})
    assert answer.status_code == 201
    body = answer.request.body
    assert isinstance(body, bytes)
    assert answer.json()["size"] == len(body)
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_answered(aspire: Client, *, chunked: bool) -> None:
    """A client that sends all of 20 MB before it reads finds 413, and the connection closes after it."""
    parts = urlsplit(aspire.url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=90)
    pieces = [os.urandom(1_000_000)] * 20
    try:
        headers = MOCK | {"Content-Type": "application/json"}
        if not chunked:
            headers |= {"Content-Length": str(20_000_000)}
        connection.request("POST", SUBMIT, body=iter(pieces), headers=headers, encode_chunked=chunked)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert "larger than" in json.loads(answer.read())["error"]
    finally:
        connection.close()


def test_who_asks_first_is_told_before_it_sends(aspire: Client) -> None:
    """With Expect: 100-continue the answer comes without the body."""
    parts = urlsplit(aspire.url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=90)
    try:
        connection.putrequest("POST", SUBMIT)
        for name, value in (MOCK | {"Content-Length": "20000000", "Expect": "100-continue"}).items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
    finally:
        connection.close()
