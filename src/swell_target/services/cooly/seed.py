"""Cooly's test data: the account of the script with credits for days of load, and accounts for campaigns."""

from random import Random

from sqlalchemy import Connection

from swell_target.base.passwords import hash_password
from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.base.sql import delete_all, insert_many
from swell_target.services.cooly.schema import ALL_TABLES, LEDGER, LOTS, USERS

PASSWORD = "testpassword123"  # noqa: S105 - published in the contract
CREDITS = 1_000_000
ACCOUNTS = {"small": 20, "full": 1_000}
# A fixed time, so that seeding twice gives the same rows: 1 January 2026.
CREATED_MS = 1_767_225_600_000


def fill(tx: Connection, size: SeedSize, random: Random, settings: Settings) -> dict[str, int]:  # noqa: ARG001
    """test@example.com, poor@example.com (no credits), and loadtest_<n>@example.com; one password for all."""
    password = hash_password(PASSWORD, b"swell-target-cooly")
    people = [("test", "test@example.com", CREDITS), ("poor", "poor@example.com", 0)]
    people += [(f"loadtest-{i}", f"loadtest_{i}@example.com", 10_000) for i in range(ACCOUNTS[size])]
    created = {"created": CREATED_MS}
    users = [
        {"id": name, "email": email, "password": password, "credits": balance} | created
        for name, email, balance in people
    ]
    rich = [(name, balance) for name, _, balance in people if balance]
    lots = [
        {"id": f"lot-{name}", "user_id": name, "left": balance, "expires": None} for name, balance in rich
    ]
    entries = [
        {"id": f"seed-{name}", "user_id": name, "amount": balance, "reason": "seed", "session_id": None}
        | created
        for name, balance in rich
    ]
    made = {"users": insert_many(tx, USERS, users), "credit lots": insert_many(tx, LOTS, lots)}
    insert_many(tx, LEDGER, entries)
    return made


def clean(tx: Connection) -> None:
    """Remove everything."""
    delete_all(tx, *ALL_TABLES)
