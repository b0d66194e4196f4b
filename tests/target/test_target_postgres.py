"""A PostgreSQL that cannot be written, or goes away and comes back: a status, a line, and no stack trace."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from target_platform import Client, Platform
from test_target_operator import run

LOGIN = {"email": "test@example.com", "password": "testpassword123"}
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'swell-target'"


def make_read_only(url: str, *, on: bool) -> None:
    """Let every new connection only read, and end those that there are, as a failover does."""
    state = sql.SQL("on" if on else "off")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET transaction_read_only = off")
        connection.execute("SET default_transaction_read_only = off")
        name = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(name, state)
        )
        connection.execute(KILL + " AND datname = current_database()")


def order(client: Client, token: str) -> tuple[int, str]:
    """Order an image: the status and the error."""
    body = {"prompt": "x"}
    answer = client.post("/api/images/seedream4/generate", json=body, headers={"Cookie": f"token={token}"})
    return answer.status_code, answer.json().get("error", "")


def test_a_database_that_only_reads_while_the_platform_runs(fresh_database: str, data: Path) -> None:
    """Writes get 503, reads go on, the operator is told once; all is well when it may be written again."""
    with Platform(data, db=fresh_database, services="cooly") as platform:
        client = platform["cooly"]
        token = client.post("/api/auth/login", json=LOGIN).json()["token"]
        assert order(client, token) == (202, "")
        make_read_only(fresh_database, on=True)
        answers = {order(client, token) for _ in range(5)}
        assert answers == {(503, "database unavailable")}
        assert client.post("/api/auth/login", json=LOGIN).status_code == 200
        lines = platform.stderr.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("swell target: cooly: the database is unavailable: ")
        make_read_only(fresh_database, on=False)
        answers = {order(client, token) for _ in range(5)}
        # One statement finds that its connection was ended.
        assert answers <= {(202, ""), (503, "database unavailable")}
        assert order(client, token) == (202, "")
        assert "Traceback" not in platform.stderr


def test_a_database_that_only_reads_at_the_start(fresh_database: str, data: Path) -> None:
    """One line, with tables and without."""
    expected = "is read-only: give the directory or the role the right to write\n"
    arguments = (
        "serve",
        "--services",
        "cooly",
        "--port-base",
        "0",
        "--data",
        str(data),
        "--db",
        fresh_database,
    )
    for _ in ("empty", "filled"):
        make_read_only(fresh_database, on=True)
        status, output, error = run(*arguments)
        assert (status, output, error.count("\n")) == (1, "", 1)
        assert error.endswith(expected)
        make_read_only(fresh_database, on=False)
        with Platform(data, db=fresh_database, services="cooly"):
            pass


def test_a_role_that_may_only_read(fresh_database: str, data: Path, request: pytest.FixtureRequest) -> None:
    """One line names the tables."""
    with Platform(data, db=fresh_database, services="cooly"):
        pass

    def change(*statements: str) -> None:
        with psycopg.connect(fresh_database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    change("CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    request.addfinalizer(lambda: change("DROP OWNED BY reader", "DROP ROLE reader"))
    url = fresh_database.replace("//swell@", "//reader@")
    status, output, error = run(
        "serve", "--services", "cooly", "--port-base", "0", "--data", str(data), "--db", url
    )
    assert (status, output) == (1, "")
    assert error == (
        "swell target: the cooly tables are read-only for this role: grant it the right to write them\n"
    )
