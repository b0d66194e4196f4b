"""Tests of cli/suites/preflight.py: one clear line for each reason not to start."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from swell.base.errors import ConfigError
from swell.cli.suites.preflight import TOKEN_VARIABLE, check_targets
from swell.cli.suites.tests import SuiteTest
from swell.config.target import Need, Target


class Site(BaseHTTPRequestHandler):
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

    def do_POST(self) -> None:
        """Log somebody in."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_right = self.path == "/login" and body == b'{"password":"right"}'
        self.send_response(200 if is_right else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the target is."""
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def lines(
    url: str,
    *,
    needs: tuple[Need, ...] = (),
    token: str = "",
    allowed: tuple[str, ...] = (),
    **env: str,
) -> list[str]:
    """What keeps a suite from starting."""
    target = Target("wwmaa", ("SITE",), "", needs, ("API_URL",), {"EVENT": "1", "PASSWORD": "right"})
    tests = [SuiteTest("wwmaa", Path("search.py"), target), SuiteTest("wwmaa", Path("rsvp.py"), target)]
    try:
        check_targets(tests, {"SITE": url, TOKEN_VARIABLE: token, **env}, allowed)
    except ConfigError as error:
        return [f"{fault.place}: {fault.message} ({fault.hint})" for fault in error.faults]
    return []


def test_a_target_that_is_well(url: str) -> None:
    """Up, the right token, its data there: nothing to say."""
    assert lines(f"{url}/", needs=(Need("/events/1"),), token="right") == []


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
    assert (
        "no target at http://localhost:x (its URL or a header cannot be sent)"
        in lines("http://localhost:x")[0]
    )


def test_a_wrong_secret(url: str) -> None:
    """The operator's token is tried before anything starts."""
    (line,) = lines(url, token="wrong")
    assert line.startswith(f"{TOKEN_VARIABLE}: is not the secret of the target at {url}")


def test_the_operator_s_token_goes_nowhere_else(url: str) -> None:
    """A target that redirects is not followed with the secret of the one that was named."""
    lines(f"{url}/moved", token="right")
    assert "/moved/admin/faults" in Site.asked
    assert "/elsewhere" not in Site.asked


def test_missing_seed_data(url: str) -> None:
    """Each path that does not answer is named, with the command that seeds."""
    (line,) = lines(url, needs=(Need("/events/1"), Need("/events/2")))
    seed = "seed it: swell target seed --services wwmaa"
    assert line == f"SITE: seed data is missing at {url}: /events/2 (status 404) ({seed})"


def test_seed_data_behind_a_login(url: str) -> None:
    """It is asked for with the settings, and what is refused names those that may be wrong."""
    needs = (Need("/login", json={"password": "$PASSWORD"}), Need("/events/$EVENT"))
    assert lines(url, needs=needs) == []
    seed = "seed it: swell target seed --services wwmaa"
    assert lines(url, needs=needs, PASSWORD="wrong", EVENT="7") == [
        f"PASSWORD: seed data is missing at {url}: /login (status 401) ({seed}, or set PASSWORD)",
        f"EVENT: seed data is missing at {url}: /events/7 (status 404) ({seed}, or set EVENT)",
    ]


def test_production_is_not_even_asked() -> None:
    """Without --allow-host for that very host nothing is sent there."""
    (line,) = lines("https://wwmaa.nowhere", allowed=("other",))
    assert line.startswith("SITE: wwmaa.nowhere looks like production ")
    assert line.endswith("(if it is for load tests: --allow-host wwmaa.nowhere)")
    (line,) = lines("https://wwmaa.nowhere", allowed=("wwmaa.nowhere",))
    assert "no target at" in line
    (line,) = lines("http://127.0.0.1:1", API_URL="https://wwmaa.nowhere/api")
    assert line.startswith("API_URL: wwmaa.nowhere looks like production ")


def test_no_line_has_a_secret(url: str) -> None:
    """Neither one of a URL, nor one that cannot be sent."""
    needs = (Need("/events/1", {"Authorization": "Bearer $PASSWORD"}),)
    seed = "seed it: swell target seed --services wwmaa, or set PASSWORD"
    assert lines(url, needs=needs, PASSWORD="secret\n") == [
        f"PASSWORD: seed data is missing at {url}: /events/1 (its URL or a header cannot be sent) ({seed})"
    ]
    for given in ("http://me:secret@127.0.0.1:1", "http://127.0.0.1:secret"):
        (told_of_url,) = lines(given)
        assert "no target at" in told_of_url
        assert "me:secret" not in told_of_url
