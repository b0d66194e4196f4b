"""A client with its recorder, and what it recorded, for the client's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swell.config.options import Options
from swell.metrics.samples import HTTP, HTTP_FIELDS, ErrorTable, Recorder
from swell.metrics.tags import TagRegistry, TagSet
from swell.net.client import HTTPClient
from swell.net.shared import HTTPShared

SYSTEM_TAGS = (
    "proto",
    "method",
    "status",
    "url",
    "name",
    "error",
    "error_code",
    "expected_response",
    "tls_version",
)


class Holder:
    """Stands for a VU."""

    id = 1

    def __init__(self, tags: TagSet) -> None:
        self.tags = tags
        self.start_lag_ns = -1


class Bench:
    """One client, its worker's shared part, and readers of what they recorded."""

    def __init__(self, **options: Any) -> None:
        self.registry = TagRegistry()
        self.recorder = Recorder()
        self.errors = ErrorTable()
        self.logged: list[tuple[str, str]] = []
        resolved = Options(**({"user_agent": "swell-tests", "system_tags": SYSTEM_TAGS} | options))
        self.shared = HTTPShared(
            resolved,
            self.registry,
            self.recorder,
            self.errors,
            lambda level, message: self.logged.append((level, message)),
        )
        self.vu = Holder(self.registry.intern({"scenario": "default"}))
        self.client = HTTPClient(self.shared, self.vu)

    def records(self) -> list[dict[str, Any]]:
        """The HTTP records since the last call, with their tags as a dictionary."""
        http, _ = self.recorder.take()
        rows = [dict(zip(HTTP_FIELDS, row, strict=True)) for row in HTTP.iter_unpack(bytes(http))]
        for row in rows:
            row["tags"] = self.registry[row["tags"]].as_dict()
        return rows


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Makes benches with options, and closes their clients."""
    made: list[Bench] = []

    def make(**options: Any) -> Bench:
        made.append(Bench(**options))
        return made[-1]

    yield make
    for each in made:
        each.client.close()
