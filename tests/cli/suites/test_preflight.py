"""Tests of cli/suites/preflight.py: one clear line for each reason not to start."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from swell.base.errors import ConfigError
from swell.cli.suites.preflight import TOKEN_VARIABLE, check_targets, looks_like_production
from swell.cli.suites.tests import SuiteTarget, SuiteTest


class Target(BaseHTTPRequestHandler):
    """A target with an operator's token and one event."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        known = {"/health": 200, "/events/1": 200, "/admin/faults": 200, "/broken/health": 503}
        known |= {"/moved/health": 200, "/moved/admin/faults": 302}
        status = known.get(self.path, 404)
        self.asked.append(self.path)
        if self.path.startswith("/admin") and self.headers["X-Admin-Token"] != "right":
            status = 403
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the target is."""
    with HTTPServer(("127.0.0.1", 0), Target) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def lines(
    url: str, *, needs: tuple[str, ...] = (), token: str = "", allowed: tuple[str, ...] = ()
) -> list[str]:
    """What keeps a suite from starting."""
    target = SuiteTarget("wwmaa", "SITE", "", needs)
    tests = [SuiteTest("wwmaa", Path("search.py"), target), SuiteTest("wwmaa", Path("rsvp.py"), target)]
    try:
        check_targets(tests, {"SITE": url, TOKEN_VARIABLE: token}, allowed)
    except ConfigError as error:
        return [f"{fault.place}: {fault.message} ({fault.hint})" for fault in error.faults]
    return []


def test_a_target_that_is_well(url: str) -> None:
    """Up, the right token, its data there: nothing to say."""
    assert lines(f"{url}/", needs=("/events/1",), token="right") == []


def test_a_target_that_is_not_up(url: str) -> None:
    """Said once for all tests, with the command that starts it; a sick one likewise."""
    start = "(start it: swell target serve --services wwmaa)"
    (line,) = lines("http://127.0.0.1:1")
    assert line == f"SITE: no target at http://127.0.0.1:1 (connection refused) {start}"
    (line,) = lines(f"{url}/broken")
    assert line == f"SITE: no target at {url}/broken (/health answers 503) {start}"


def test_a_url_that_is_none() -> None:
    """Not set at all, or no URL: said so instead of a traceback."""
    assert lines("") == ["SITE: is not set, and the suite has no url in [target] ()"]
    assert lines("localhost") == ["SITE: 'localhost' is no URL (write it like http://127.0.0.1:8001)"]
    assert "no target at http://localhost:x (nonnumeric port: 'x')" in lines("http://localhost:x")[0]


def test_a_wrong_secret(url: str) -> None:
    """The operator's token is tried before anything starts."""
    (line,) = lines(url, token="wrong")
    assert line.startswith(f"{TOKEN_VARIABLE}: is not the secret of the target at {url}")


def test_the_operator_s_token_goes_nowhere_else(url: str) -> None:
    """A target that redirects is not followed with the secret of the one that was named."""
    lines(f"{url}/moved", token="right")
    assert "/moved/admin/faults" in Target.asked
    assert "/elsewhere" not in Target.asked


def test_missing_seed_data(url: str) -> None:
    """Each path that does not answer is named, with the command that seeds."""
    (line,) = lines(url, needs=("/events/1", "/events/2"))
    seed = "seed it: swell target seed --services wwmaa"
    assert line == f"SITE: seed data is missing at {url}: /events/2 ({seed})"


@pytest.mark.parametrize(
    ("host", "is_production"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("8.8.8.8", True),
        ("localhost", False),
        ("wwmaa.com", True),
        ("www.ainative.studio", True),
        ("staging.wwmaa.com", False),
        ("wwmaa-staging.example.org", False),
        ("api-dev.wwmaa.com", False),
        ("latest.wwmaa.com", True),
        ("::1", False),
    ],
)
def test_what_looks_like_production(host: str, is_production: bool) -> None:
    """Public addresses, and names without a word that stands for tests."""
    assert looks_like_production(host) is is_production


def test_production_is_not_even_asked() -> None:
    """Without --allow-host for that very host nothing is sent there."""
    (line,) = lines("https://wwmaa.nowhere", allowed=("other",))
    assert line.startswith("SITE: wwmaa.nowhere looks like production ")
    assert line.endswith("(if it is for load tests: --allow-host wwmaa.nowhere)")
    (line,) = lines("https://wwmaa.nowhere", allowed=("wwmaa.nowhere",))
    assert "no target at" in line
