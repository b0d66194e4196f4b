"""WWMAA's pages: HTML that stands on its own, its assets, and what a cache and a compressing client see."""

import gzip
import re
from html.parser import HTMLParser

import pytest
from target_platform import Client, Platform

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
}
ASSETS = {
    "/static/css/main.css": "text/css",
    "/static/js/main.js": "text/javascript",
    "/static/images/logo.png": "image/png",
}
VOID = {"meta", "link", "input", "img", "br"}


@pytest.fixture
def wwmaa(target: Platform) -> Client:
    """The service."""
    return target["wwmaa"]


class Checker(HTMLParser):
    """Sees whether every element is closed in its turn, and collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


def member(client: Client) -> dict[str, str]:
    """The header of a member."""
    login = {"email": "loadtest_user_3@wwmaa.com", "password": "test_password_123"}
    return {"Authorization": f"Bearer {client.post('/api/auth/login', json=login).json()['access_token']}"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/events",
        "/instructors",
        "/search?q=karate",
        "/search",
        "/dashboard",
        "/login",
        "/events/evt_load_test_001",
    ],
)
def test_a_page_is_html_and_so_is_what_it_leads_to(wwmaa: Client, path: str) -> None:
    """W20: 200, text/html, well formed; every link of the site that it shows is there."""
    headers = BROWSER | member(wwmaa)
    response = wwmaa.get(path, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    links = {link for link in Checker(response.text).links if link.startswith("/")}
    assert set(ASSETS) <= links
    for link in sorted(links)[:12]:
        assert wwmaa.get(link, headers=headers).status_code == 200, link


def test_a_dashboard_without_login_leads_to_it(wwmaa: Client) -> None:
    """W20: 302 to the form; a wrong token is no better than none."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "access_token=wrong"}):
        response = wwmaa.get("/dashboard", headers=headers)
        assert (response.status_code, response.headers["location"]) == (302, "/login?next=%2Fdashboard")


def test_a_dashboard_opens_by_cookie_too(wwmaa: Client) -> None:
    """What the login form leaves in a browser."""
    token = member(wwmaa)["Authorization"].removeprefix("Bearer ")
    response = wwmaa.get("/dashboard", headers={"Cookie": f"access_token=old; access_token={token}"})
    assert response.status_code == 200
    assert "loadtest_user_3@wwmaa.com" in response.text
    assert "no-store" in response.headers["cache-control"]


def test_what_is_typed_is_shown_as_text(wwmaa: Client) -> None:
    """A script in a query stays a query."""
    page = wwmaa.get("/search", params={"q": "<script>alert(1)</script>\"'&"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    Checker(page)


@pytest.mark.parametrize(("path", "media"), ASSETS.items())
def test_assets_can_be_cached(wwmaa: Client, path: str, media: str) -> None:
    """W21: 200, cacheable, and 304 for who has it."""
    response = wwmaa.get(path)
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, media)
    assert "max-age" in response.headers["cache-control"]
    again = wwmaa.get(path, headers={"If-None-Match": f'W/"x", {response.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/css/none.css", "/static/../schema.py", "/static/css/..%2f..%2fschema.py"]
)
def test_nothing_else_is_served_as_an_asset(wwmaa: Client, path: str) -> None:
    """404 in JSON."""
    response = wwmaa.get(path)
    assert response.status_code == 404
    assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize("path", ["/", "/events", "/dashboard", "/static/css/main.css", "/static/js/main.js"])
def test_what_is_text_is_compressed_for_who_wants_it(wwmaa: Client, path: str) -> None:
    """With gzip in Accept-Encoding a fraction of the bytes go over the wire; without, none are compressed."""
    headers = member(wwmaa)
    plain = wwmaa.get(path, headers=headers | {"Accept-Encoding": "identity"}, stream=True)
    text = plain.raw.read(decode_content=False)
    zipped = wwmaa.get(path, headers=headers | {"Accept-Encoding": "gzip"}, stream=True)
    raw = zipped.raw.read(decode_content=False)
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.headers["vary"] == "accept-encoding"
    assert len(raw) < len(text) * 0.7
    # A page may have been made anew in between; its frame is the same.
    assert gzip.decompress(raw)[:200] == text[:200]


def test_an_event_s_page_has_the_form_until_it_is_full(wwmaa: Client) -> None:
    """The page shows the count of this moment."""
    event = "evt_load_test_paid"
    before = wwmaa.get(f"/events/{event}").text
    assert f'data-rsvp="{event}"' in before
    who = {"email": "page-test@wwmaa.com", "first_name": "A", "last_name": "B"}
    assert wwmaa.post(f"/api/events/{event}/rsvp", json={"participant": who}).status_code in (201, 409)
    left = re.search(r"data-places>(\d+) of (\d+) places left", wwmaa.get(f"/events/{event}").text)
    assert left is not None
    assert int(left[1]) < int(left[2])
