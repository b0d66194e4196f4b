"""TLS versions and cipher suites of the options, as a real server sees them."""

from collections.abc import Callable, Iterator

import pytest

from swell.testing.server import EchoServer


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server."""
    with EchoServer(tls=True) as server:
        yield server


@pytest.mark.parametrize(
    ("options", "version", "suite"),
    [
        ({}, "tls1.3", "TLS_"),
        ({"tls_version_max": "tls1.2"}, "tls1.2", "TLS_ECDHE_"),
        ({"tls_version_min": "tls1.3"}, "tls1.3", "TLS_"),
        (
            {"tls_version_max": "tls1.2", "tls_cipher_suites": ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",)},
            "tls1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            {
                "tls_version_max": "tls1.2",
                "tls_cipher_suites": ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",),
            },
            "tls1.2",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        ({"tls_cipher_suites": ("TLS_AES_128_GCM_SHA256",)}, "tls1.3", "TLS_"),
    ],
)
def test_versions_and_suites(
    bench: Callable, echo: EchoServer, options: dict, version: str, suite: str
) -> None:
    """What the options allow is agreed on, told by the response, and seen by the server; also in the tags."""
    made = bench(tls_ca=echo.ca_pem, **options)
    answer = made.client.request("GET", f"{echo.https_url}/tls")
    assert answer.tls_version == version
    assert answer.tls_cipher_suite.startswith(suite)
    assert answer.json()["version"].lower().replace("v", "") == version
    (row,) = made.records()
    assert row["tags"]["tls_version"] == version


def test_a_suite_that_the_server_does_not_have_fails_the_handshake(bench: Callable, echo: EchoServer) -> None:
    """1300, with the alert's text; nothing falls back to what the options forbid."""
    key_kind = "RSA" if "ECDSA" in _suite_of(bench, echo) else "ECDSA"
    made = bench(
        tls_ca=echo.ca_pem,
        tls_version_max="tls1.2",
        tls_cipher_suites=(f"TLS_ECDHE_{key_kind}_WITH_AES_128_GCM_SHA256",),
    )
    answer = made.client.request("GET", f"{echo.https_url}/tls")
    assert (answer.status_code, answer.error_code) == (0, 1300)


def _suite_of(bench: Callable, echo: EchoServer) -> str:
    made = bench(tls_ca=echo.ca_pem, tls_version_max="tls1.2")
    return str(made.client.request("GET", f"{echo.https_url}/tls").tls_cipher_suite)
