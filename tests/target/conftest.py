"""The platform under test: real processes, over SQLite and over a PostgreSQL of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from target_platform import Platform, create_database, postgres_cluster


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A throw-away PostgreSQL cluster, listening on a Unix socket only."""
    with postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the platform stands on."""
    return str(request.param)


@pytest.fixture(scope="session")
def target(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """All services, running for the whole session: tests make accounts and objects of their own."""
    url = request.getfixturevalue("postgres_url") if backend == "postgresql" else ""
    with Platform(tmp_path_factory.mktemp("target"), db=url) as platform:
        yield platform


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory for a platform of one test."""
    return tmp_path / "data"


@pytest.fixture
def fresh_database(postgres_url: str) -> str:
    """The URL of a new, empty database in the cluster."""
    return create_database(postgres_url)
