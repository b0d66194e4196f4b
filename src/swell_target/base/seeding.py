"""``swell target seed``: test data put in and taken out, on databases that are plainly for tests."""

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import cast
from urllib.parse import urlsplit

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swell_target.base.database import ensure_schema, open_backend
from swell_target.base.errors import OperatorError
from swell_target.base.service import SeedSize, Service
from swell_target.base.settings import Settings

# Whole words of a host's or database's name; "product" or "reproduce" are none of them.
PRODUCTION = re.compile(r"(?<![a-z])(prod|production|live|prd)(?![a-z])", re.IGNORECASE)
# Where managed databases live: a test database there has a name that says so.
MANAGED = re.compile(r"\.(amazonaws\.com|azure\.com|cloud\.google\.com|render\.com|neon\.tech|supabase\.co)$")
HARMLESS = re.compile(
    r"(?<![a-z])(test|testing|staging|stage|dev|local|load|loadtest)(?![a-z])", re.IGNORECASE
)


def refuse_production(settings: Settings) -> None:
    """Refuse a database that looks like production by a word in host, name, user or path, or by its place.

    Raises:
        OperatorError: it does.
    """
    if not settings.db:
        if PRODUCTION.search(settings.data):
            raise OperatorError(f"{settings.data} looks like production: seeding it is refused")
        return
    parts = urlsplit(settings.db)
    host, name = parts.hostname or "", parts.path.lstrip("/")
    looks = any(PRODUCTION.search(text) for text in (host, name, parts.username or ""))
    if looks or (MANAGED.search(host) and not HARMLESS.search(f"{host} {name}")):
        raise OperatorError(f"the database {name} on {host} looks like production: seeding it is refused")


def _filler(
    service: Service, size: str, random: Random, settings: Settings
) -> Callable[[Connection], dict[str, int]]:
    return lambda tx: service.seed(tx, cast("SeedSize", size), random, settings)


def seed(
    settings: Settings, services: Iterable[Service], size: str, *, clean: bool, drop: bool = False
) -> dict[str, dict[str, int]]:
    """Seed each service in one transaction of its own; what was made, by service and kind.

    ``size`` "" puts nothing in. Seeding twice changes nothing.

    Raises:
        OperatorError: the database looks like production, cannot be used, or is of another schema.
    """
    refuse_production(settings)
    made: dict[str, dict[str, int]] = {}
    for service in services:
        backend = open_backend(settings, service.name)
        try:
            if drop:
                backend.run_now(service.schema.drop)
            ensure_schema(settings, backend, service.schema)
            if clean:
                backend.run_now(service.clean)
            made[service.name] = {}
            if size:
                random = Random(settings.seed)  # noqa: S311 - repeatable on purpose
                made[service.name] = backend.run_now(_filler(service, size, random, settings))
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise OperatorError(f"seeding {service.name} failed, nothing of it was kept: {reason}") from None
        finally:
            backend.close()
    return made
