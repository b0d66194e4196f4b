"""Modules that scripts import over https, fetched once and kept on disk.

The cache holds each content under its SHA-256, and for each URL which content it gave. A lock file pins the
contents: with one that exists, a module that it lacks or that differs is refused.
"""

import hashlib
import os
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from swell.base.errors import SwellError
from swell.base.files import write_whole
from swell.scripts.k6.values import HostError

TIMEOUT_S: Final = 60.0
MAX_BYTES: Final = 50 << 20
HTTPS: Final = "https://"


class RemoteModules:
    """The https modules of one script.

    Args:
        cache: the folder that contents are kept in; None keeps nothing.
        lock: the lock file that pins them; it is written by ``save_lock`` where it does not exist yet.
    """

    def __init__(self, cache: Path | None = None, lock: Path | None = None) -> None:
        self._cache = cache
        self._lock = lock
        # URL -> SHA-256 of what was used.
        self.used: dict[str, str] = {}
        # Why the cache took nothing, where it did not: that costs time, not the run.
        self.unkept = ""
        self._pinned = _read_lock(lock)

    def source(self, url: str) -> str:
        """The text of the module at ``url``; raises ``HostError`` where it cannot be had."""
        content = self._kept(url)
        if content is None:
            content = _fetch(url)
            self._keep(url, content)
        digest = hashlib.sha256(content).hexdigest()
        if self._pinned is not None and self._pinned.get(url) != digest:
            what = "has another content than" if url in self._pinned else "is not in"
            raise HostError(
                f'"{url}" {what} the lock file {self._lock}; to take it as it is now, remove the file',
                "Error",
            )
        self.used[url] = digest
        return content.decode("utf-8", "replace")

    def save_lock(self) -> None:
        """Write the lock file, where one was asked for and does not exist; raises ``SwellError``."""
        if self._lock is not None and self._pinned is None:
            content = msgspec.json.format(msgspec.json.encode({"modules": dict(sorted(self.used.items()))}))
            try:
                write_whole(self._lock, content + b"\n")
            except OSError as error:
                message = f"the lock file {self._lock} cannot be written: {error.strerror}"
                raise SwellError(message, slug="module-lock") from None

    def _kept(self, url: str) -> bytes | None:
        if self._cache is None:
            return None
        digest = None if self._pinned is None else self._pinned.get(url)
        try:
            if digest is None:
                digest = (self._cache / f"{_key(url)}.url").read_text(encoding="utf-8").split()[0]
            content = (self._cache / f"{digest}.js").read_bytes()
        except (OSError, IndexError, ValueError):
            return None
        # What was cut off or changed on disk is fetched again.
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _keep(self, url: str, content: bytes) -> None:
        if self._cache is None:
            return
        digest = hashlib.sha256(content).hexdigest()
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            write_whole(self._cache / f"{digest}.js", content)
            write_whole(self._cache / f"{_key(url)}.url", f"{digest} {url}\n".encode())
        except OSError as error:
            self.unkept = f"{self._cache}: {error.strerror}"


def cache_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """Where modules are kept: ``$XDG_CACHE_HOME/swell/modules``, by default below ``~/.cache``.

    None for a user without a home, as containers have them.
    """
    given = os.environ if environ is None else environ
    base = given.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "swell" / "modules"
    except RuntimeError:
        return None


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _read_lock(lock: Path | None) -> dict[str, str] | None:
    if lock is None or not lock.exists():
        return None
    try:
        return msgspec.json.decode(lock.read_bytes(), type=dict[str, dict[str, str]])["modules"]
    except (OSError, msgspec.MsgspecError, KeyError):
        hint = "remove it, and it is made again"
        raise SwellError(f"{lock} is no lock file of modules", hint=hint, slug="module-lock") from None


class _LeftError(Exception):
    """A redirect to what anybody on the way could change; ``str()`` is its URL."""


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to https only, each of them: what the last one says counts no more than the first."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not newurl.startswith(HTTPS):
            raise _LeftError(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str) -> bytes:
    """What the server gives; raises ``HostError`` with what to do."""
    request = Request(url, headers={"User-Agent": "swell"})  # noqa: S310  # https only, as its caller checks
    folder = cache_folder() or "$XDG_CACHE_HOME/swell/modules"
    hint = (
        "download it and import the file by its path, or bring the folder of modules"
        f" ({folder}) from a machine that has run the script"
    )
    try:
        with build_opener(_Redirects).open(request, timeout=TIMEOUT_S) as response:
            content: bytes = response.read(MAX_BYTES + 1)
    except _LeftError as error:
        raise HostError(f'"{url}" leads to {error}, which is not https; {hint}', "Error") from None
    except HTTPError as error:
        raise HostError(f'"{url}" cannot be fetched: status {error.code}; {hint}', "Error") from None
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        reason = getattr(cause, "strerror", None) or cause
        raise HostError(f'"{url}" cannot be fetched: {reason}; {hint}', "Error") from None
    if len(content) > MAX_BYTES:
        raise HostError(f'"{url}" is larger than {MAX_BYTES >> 20} MB', "Error")
    return content
