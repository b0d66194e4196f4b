"""The site's pages, rendered here, and the assets that they load."""

import gzip
import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple
from urllib.parse import quote

from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from swell_target.base.call import Call, Reply
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.services.wwmaa import html
from swell_target.services.wwmaa.accounts import COOKIE, read_access, read_dashboard
from swell_target.services.wwmaa.bookings import find_event
from swell_target.services.wwmaa.content import InstructorsQuery, list_instructors
from swell_target.services.wwmaa.events import EventsQuery, list_events, to_event
from swell_target.services.wwmaa.schema import DOCUMENTS
from swell_target.services.wwmaa.search import Result, SearchQuery, search, to_result
from swell_target.services.wwmaa.service import SERVICE
from swell_target.services.wwmaa.text import WITHOUT_NUL

HTML = "text/html"
# Pages that are the same for all may be this old.
PAGE_SECONDS = 1.0
ASSET_CACHE = "public, max-age=86400"
ASSETS = {
    ("css", "main.css"): "text/css; charset=utf-8",
    ("js", "main.js"): "text/javascript; charset=utf-8",
    ("images", "logo.png"): "image/png",
}
# Fast: the pages are made while somebody waits.
GZIP_LEVEL = 1
VARY = ("vary", "accept-encoding")


class SearchPageQuery(Struct):
    """What is looked for; nothing shows the empty form."""

    q: Annotated[str, Meta(max_length=500, pattern=WITHOUT_NUL)] = ""


def _wants_gzip(call: Call) -> bool:
    return "gzip" in call.headers.get("accept-encoding", "")


def _reply(body: bytes, *, zipped: bool, control: str) -> Reply:
    headers = [VARY, ("cache-control", control), *([("content-encoding", "gzip")] if zipped else [])]
    return Reply(body, media=f"{HTML}; charset=utf-8", headers=headers)


async def _shared(call: Call, key: str, work: Callable[[Connection], str]) -> Reply:
    """A page that is the same for all: rendered once a second, compressed once."""
    zipped = _wants_gzip(call)
    name = f"page:{'gzip' if zipped else 'plain'}:{key}"
    body = await call.runtime.cache.get(name)
    if body is None:
        body = (await call.db.read(work)).encode()
        body = gzip.compress(body, GZIP_LEVEL, mtime=0) if zipped else body
        await call.runtime.cache.put(name, body, PAGE_SECONDS)
    return _reply(body, zipped=zipped, control="no-cache")


@SERVICE.get("/", name="home_page", answers={200: str}, media=HTML)
async def home(call: Call) -> Reply:
    """The front page."""

    def render(tx: Connection) -> str:
        return html.home(
            list_events(tx, EventsQuery(limit=6)).events,
            list_instructors(tx, InstructorsQuery(limit=3)).instructors,
        )

    return await _shared(call, "/", render)


@SERVICE.get("/events", name="events_page", answers={200: str}, media=HTML)
async def events(call: Call) -> Reply:
    """The events to come."""

    def render(tx: Connection) -> str:
        found = list_events(tx, EventsQuery())
        return html.event_list(found.events, found.total)

    return await _shared(call, "/events", render)


@SERVICE.get("/events/{event_id}", name="event_page", answers={200: str, 404: Failure}, media=HTML)
async def event(call: Call, event_id: str) -> Reply:
    """One event, with the form to take a place."""
    text = html.event_page(to_event(await call.db.read(find_event, event_id)))
    return _reply(text.encode(), zipped=False, control="no-store")


@SERVICE.get("/instructors", name="instructors_page", answers={200: str}, media=HTML)
async def instructors(call: Call) -> Reply:
    """Who teaches."""

    def render(tx: Connection) -> str:
        found = list_instructors(tx, InstructorsQuery())
        return html.instructor_list(found.instructors, found.total)

    return await _shared(call, "/instructors", render)


@SERVICE.get("/search", name="search_page", answers={200: str}, media=HTML)
async def search_results(call: Call, query: SearchPageQuery) -> Reply:
    """What was found."""
    text = query.q.strip()

    def render(tx: Connection) -> str:
        return html.search_page(text, search(tx, SearchQuery(q=text)) if text else None)

    return await _shared(call, f"/search?{text}", render)


def _document(tx: Connection, document_id: str) -> Result:
    row = tx.execute(select(DOCUMENTS).where(DOCUMENTS.c.id == document_id, DOCUMENTS.c.listed)).first()
    if row is None:
        raise Problem(404, "no such article")
    return to_result(row, 1.0)


@SERVICE.get("/content/{document_id}", name="content_page", answers={200: str, 404: Failure}, media=HTML)
async def content(call: Call, document_id: str) -> Reply:
    """An article."""
    text = html.content_page(await call.db.read(_document, document_id))
    return _reply(text.encode(), zipped=False, control="no-cache")


@SERVICE.get("/login", name="login_page", answers={200: str}, media=HTML)
async def login(call: Call) -> Reply:  # noqa: ARG001 - every handler takes it
    """The form to log in."""
    return _reply(html.login_page().encode(), zipped=False, control="no-cache")


@SERVICE.get("/dashboard", name="dashboard_page", answers={200: str, 302: None}, media=HTML)
async def dashboard(call: Call) -> Reply:
    """A member's page, by bearer token or cookie; others are sent to log in."""
    candidates = [call.bearer or "", *(value for name, value in call.cookies if name == COOKIE)]
    user_id = next((found for token in candidates if (found := read_access(call, token))), None)
    if user_id is not None:
        try:
            text = html.dashboard_page(await call.db.read(read_dashboard, user_id))
        except Problem as problem:
            if problem.status != 401:  # noqa: PLR2004 - the account is gone: the token is worth nothing
                raise
        else:
            zipped = _wants_gzip(call)
            body = gzip.compress(text.encode(), GZIP_LEVEL, mtime=0) if zipped else text.encode()
            return _reply(body, zipped=zipped, control="private, no-store")
    return Reply("", 302, headers=[("location", f"/login?next={quote('/dashboard', safe='')}")], media=HTML)


class Asset(NamedTuple):
    """A file as it is sent."""

    body: bytes
    zipped: bytes
    etag: str


@cache
def _asset(folder: str, name: str) -> Asset:
    """A file of the package, read and compressed once."""
    body = (files(__package__) / "static" / folder / name).read_bytes()
    zipped = b"" if name.endswith(".png") else gzip.compress(body, 9, mtime=0)
    return Asset(body, zipped, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@SERVICE.get("/static/{folder}/{name}", name="static", answers={200: None, 304: None, 404: Failure})
async def static(call: Call, folder: str, name: str) -> Reply:
    """A stylesheet, a script, an image; cacheable for a day."""
    media = ASSETS.get((folder, name))
    if media is None:
        raise Problem(404, "no such file")
    asset = _asset(folder, name)
    headers = [("cache-control", ASSET_CACHE), ("etag", asset.etag), VARY]
    known = [tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")]
    if asset.etag in known or "*" in known:
        return Reply(None, 304, headers=headers)
    if asset.zipped and _wants_gzip(call):
        return Reply(asset.zipped, media=media, headers=[*headers, ("content-encoding", "gzip")])
    return Reply(asset.body, media=media, headers=headers)
