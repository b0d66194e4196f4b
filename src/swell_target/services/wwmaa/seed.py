"""WWMAA's test data: what its scripts name, and volume with which search and lists have something to do.

Each kind has a generator of its own, so that the small data is the beginning of the full data.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from swell_target.base.clock import now_ms
from swell_target.base.passwords import hash_password
from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.base.sql import delete_all, insert_many
from swell_target.base.textindex import Text
from swell_target.services.wwmaa import schema, vocabulary
from swell_target.services.wwmaa.text import slug

PASSWORD = "test_password_123"  # noqa: S105 - published in the contract
STAFF = (
    ("user_loadtest", "loadtest@wwmaa.com", "loadtest_password_123", "member"),
    ("user_admin", "admin@wwmaa.com", "admin_password_123", "admin"),
)
# Accounts are numbered from 0 to the last; virtual users of the scripts from 0 to 10,000.
COUNTS = {
    "small": {"users": 1_001, "events": 60, "instructors": 40, "content": 400},
    "full": {"users": 10_001, "events": 500, "instructors": 200, "content": 5_000},
}
SUBSCRIBERS = 100
DAY_MS = 86_400_000
# 1 January 2026: the accounts' age does not matter.
CREATED_MS = 1_767_225_600_000
# Id, title, capacity, price: the script's event with room for many runs, and events to fill up.
NAMED_EVENTS = (
    ("evt_load_test_001", "Load Test RSVP Event", 10_000, 0),
    ("evt_load_test_100", "Load Test Event with 100 Places", 100, 0),
    ("evt_load_test_paid", "Load Test Paid Event", 1_000, 4_500),
)
# So far away that a database kept for months still takes registrations.
NAMED_EVENTS_IN_DAYS = 360
REGISTERED_PAST_EVENTS = 10
SESSIONS = (
    ("test_session_001", "Live Training Session", 10_000, "live"),
    ("test_session_small", "Private Lesson", 5, "live"),
    ("test_session_ended", "Yesterday's Session", 100, "ended"),
)
BANNED_USER = "banned_user"
Row = dict[str, Any]


def fill(tx: Connection, size: SeedSize, random: Random, settings: Settings) -> dict[str, int]:  # noqa: ARG001
    """Everything; what was made, by kind."""
    counts = COUNTS[size]
    kinds = ("instructors", "events", "content", "members")
    chance = {kind: Random(random.getrandbits(64)) for kind in kinds}  # noqa: S311 - repeatable on purpose
    today = now_ms() // DAY_MS * DAY_MS
    instructors = list(_instructors(counts["instructors"], chance["instructors"]))
    # Those of the small data, in both sizes: so its events and items are the full data's first.
    hosts = instructors[: COUNTS["small"]["instructors"]]
    events = list(_events(counts["events"], hosts, today, chance["events"]))
    registrations = list(_registrations(events, today))
    content = list(_content(counts["content"], hosts, today, chance["content"]))
    documents = [
        *content,
        *(_instructor_document(row, today) for row in instructors),
        *(_event_document(row, number) for number, row in enumerate(events)),
    ]
    made = {
        "users": insert_many(tx, schema.USERS, _users(counts["users"])),
        "plans": insert_many(tx, schema.PLANS, _plans()),
        "subscriptions": insert_many(tx, schema.SUBSCRIPTIONS, _subscriptions(today, chance["members"])),
        "instructors": insert_many(tx, schema.INSTRUCTORS, instructors),
        "events": insert_many(tx, schema.EVENTS, events),
        "registrations": insert_many(tx, schema.REGISTRATIONS, registrations),
        "content items": len(content),
        "live sessions": insert_many(tx, schema.SESSIONS, _sessions()),
    }
    insert_many(tx, schema.PARTICIPANTS, [_banned(session[0]) for session in SESSIONS])
    insert_many(tx, schema.DOCUMENTS, documents)
    insert_many(tx, schema.TERMS, _terms(documents))
    _index(tx)
    return made


def clean(tx: Connection) -> None:
    """Remove everything."""
    delete_all(tx, *schema.ALL_TABLES)
    schema.DOCUMENT_INDEX.clear(tx)


# --- Members ------------------------------------------------------------------------------------------------


def _users(count: int) -> Iterable[Row]:
    shared = hash_password(PASSWORD, b"swell-target-wwmaa")
    for number, (user_id, email, password, role) in enumerate(STAFF):
        hashed = hash_password(password, f"swell-target-wwmaa-{number}".encode())
        yield _user(user_id, email, hashed, email.split("@", 1)[0].capitalize(), role, "elite")
    for number in range(count):
        tier = vocabulary.PLANS[number % 3][0] if number < SUBSCRIBERS else ""
        email = f"loadtest_user_{number}@wwmaa.com"
        yield _user(f"user_{number}", email, shared, f"Load Test {number}", "member", tier)


def _user(user_id: str, email: str, password: str, name: str, role: str, tier: str) -> Row:
    return {
        "id": user_id,
        "email": email,
        "password": password,
        "name": name,
        "role": role,
        "tier": tier,
        "created": CREATED_MS,
    }


def _plans() -> Iterable[Row]:
    for tier, name, cents, features in vocabulary.PLANS:
        text = msgspec.json.encode(features).decode()
        yield {"id": f"tier_{tier}", "tier": tier, "name": name, "price_cents": cents, "features": text}


def _subscriptions(today: int, random: Random) -> Iterable[Row]:
    """One for each of the first members; three of four are active."""
    for number in range(SUBSCRIBERS):
        tier, _, cents, _ = vocabulary.PLANS[number % 3]
        status = random.choices(("active", "past_due", "canceled"), (75, 10, 15))[0]
        yield {
            "id": f"sub_loadtest_{number}",
            "user_id": f"user_{number}",
            "customer": f"cus_loadtest_{number}",
            "tier": tier,
            "status": status,
            "price_cents": cents,
            "period_end": today + random.randrange(1, 31) * DAY_MS,
            "changed": 0,
        }


# --- Instructors, events, content ---------------------------------------------------------------------------


def _instructors(count: int, random: Random) -> Iterable[Row]:
    for number in range(count):
        style = vocabulary.STYLES[number % len(vocabulary.STYLES)]
        city, state, _ = random.choice(vocabulary.PLACES)
        name = f"{random.choice(vocabulary.FIRST_NAMES)} {random.choice(vocabulary.LAST_NAMES)}"
        years = random.randrange(5, 41)
        topics = random.sample(vocabulary.TOPICS, 2)
        yield {
            "id": f"ins_{number:04d}",
            "name": name,
            "style": style,
            "style_key": slug(style),
            "rank": random.choice(vocabulary.DANS),
            "bio": f"{name} has taught {style} for {years} years in {city}, above all "
            f"{topics[0]} and {topics[1]}.",
            "city": city,
            "state": state,
            "years": years,
            "verified": random.random() < 0.8,  # noqa: PLR2004 - most of them
        }


def _events(count: int, instructors: list[Row], today: int, random: Random) -> Iterable[Row]:
    """Of the last half year and the next year; three of four are published."""
    for event_id, title, capacity, cents in NAMED_EVENTS:
        row = _event(event_id, title, instructors[0], random)
        starts = today + NAMED_EVENTS_IN_DAYS * DAY_MS
        yield row | {
            "capacity": capacity,
            "price_cents": cents,
            "starts": starts,
            "ends": starts + 2 * 3_600_000,
            "status": "active",
        }
    for number in range(count - len(NAMED_EVENTS)):
        instructor = instructors[number % len(instructors)]
        kind = random.choice(vocabulary.EVENT_TYPES)
        row = _event(
            f"evt_{number:04d}", f"{kind} - {instructor['style']} (Load Test {number})", instructor, random
        )
        starts = today + random.randrange(-180, 350) * DAY_MS + random.randrange(8, 20) * 3_600_000
        yield row | {
            "type": kind,
            "starts": starts,
            "ends": starts + random.randrange(1, 5) * 3_600_000,
            "status": "active" if random.random() < 0.75 else "draft",  # noqa: PLR2004
        }


def _event(event_id: str, title: str, instructor: Row, random: Random) -> Row:
    topic = random.choice(vocabulary.TOPICS)
    style = instructor["style"]
    return {
        "id": event_id,
        "title": title,
        "description": f"{instructor['name']} teaches {style}: {topic}, drills and time for your questions.",
        "type": vocabulary.EVENT_TYPES[0],
        "style": style,
        "style_key": slug(style),
        "location": f"{instructor['city']}, {instructor['state']}",
        "instructor": instructor["name"],
        "capacity": random.randrange(20, 201),
        "registered": 0,
        "price_cents": random.choice((0, 0, 1500, 2500, 4500, 7500, 15000)),
    }


def _registrations(events: list[Row], today: int) -> Iterable[Row]:
    """Members who were at past events; the events' counts are raised with them."""
    past = [row for row in events if row["starts"] < today and row["status"] == "active"]
    for number, event in enumerate(past[:REGISTERED_PAST_EVENTS]):
        for member in range(number + 5):
            email = f"loadtest_user_{member}@wwmaa.com"
            event["registered"] += 1
            yield {
                "id": f"reg_{event['id']}_{member}",
                "event_id": event["id"],
                "email": email,
                "email_key": email,
                "first_name": "Load Test",
                "last_name": str(member),
                "phone": "",
                "payment": "none",
                "created": event["starts"] - DAY_MS,
            }


def _content(count: int, instructors: list[Row], today: int, random: Random) -> Iterable[Row]:
    for number in range(count):
        # The first items go through all topics and styles, so that the small data has each, too.
        topic = vocabulary.TOPICS[number % len(vocabulary.TOPICS)]
        style = vocabulary.STYLES[number % len(vocabulary.STYLES)]
        instructor = instructors[random.randrange(len(instructors))]
        level = random.choice(vocabulary.LEVELS)
        age_group = random.choice(vocabulary.AGE_GROUPS)
        tags = list(dict.fromkeys([topic, *random.sample(vocabulary.TOPICS, random.randrange(1, 5))]))
        sentences = random.sample(vocabulary.SENTENCES, 3)
        text = " ".join(
            sentence.format(topic=tag, style=style, level=level.lower(), age_group=age_group.lower())
            for sentence, tag in zip(sentences, (topic, tags[-1], topic), strict=True)
        )
        yield _document(
            f"doc_{number:05d}",
            random.choice(vocabulary.CONTENT_TYPES),
            f"{topic.capitalize()} in {style}: {random.choice(vocabulary.ANGLES)}",
            text,
            instructor,
            style=style,
            style_key=slug(style),
            level=level,
            rank=random.choice(vocabulary.RANKS),
            age_group=age_group,
            category=random.choice(vocabulary.CATEGORIES),
            tags=msgspec.json.encode(tags).decode(),
            verified=random.random() < 0.5,  # noqa: PLR2004 - half of them
            views=random.randrange(100_000),
            day=today - random.randrange(365) * DAY_MS,
        )


_LONG_STATES = {state: name for _, state, name in vocabulary.PLACES}


def _document(row_id: str, kind: str, title: str, summary: str, instructor: Row, **more: object) -> Row:
    location = f"{instructor['city']}, {instructor['state']}"
    row: Row = {
        "id": row_id,
        "type": kind,
        "title": title,
        "summary": summary,
        "style": instructor["style"],
        "style_key": instructor["style_key"],
        "level": "",
        "rank": "",
        "age_group": "",
        "category": "",
        "location": location,
        "location_key": slug(f"{location} {_LONG_STATES[instructor['state']]}"),
        "instructor": instructor["name"],
        "instructor_key": slug(instructor["name"]),
        "tags": "[]",
        "verified": False,
        "views": 0,
        "day": 0,
        "listed": True,
    }
    return row | more


def _instructor_document(row: Row, today: int) -> Row:
    return _document(
        row["id"],
        "instructor",
        f"{row['name']}, {row['style']} instructor",
        row["bio"],
        row,
        rank=row["rank"],
        verified=row["verified"],
        views=row["years"],
        day=today,
    )


def _event_document(row: Row, number: int) -> Row:
    city, state = row["location"].rsplit(", ", 1)
    host = {"city": city, "state": state, "name": row["instructor"], "style": row["style"]}
    return _document(
        row["id"],
        "event",
        row["title"],
        row["description"],
        host | {"style_key": row["style_key"]},
        category=row["type"],
        day=row["starts"],
        listed=row["status"] == "active",
        views=number,
    )


# --- Search and sessions ------------------------------------------------------------------------------------


def _terms(documents: list[Row]) -> Iterable[Row]:
    """Styles, topics, places, and people's names, by how often they occur."""
    weights: Counter[str] = Counter()
    for row in documents:
        weights.update([row["style"].lower(), row["instructor"].lower(), row["location"].lower()])
        weights.update(msgspec.json.decode(row["tags"], type=list[str]))
    return ({"term": term, "weight": weight} for term, weight in weights.items())


def _index(tx: Connection) -> None:
    """Index what the table holds, whatever size was put in before."""
    table = schema.DOCUMENTS
    schema.DOCUMENT_INDEX.clear(tx)
    rows = tx.execute(select(table).order_by(table.c.id)).all()
    schema.DOCUMENT_INDEX.put_new(
        tx,
        [
            Text(
                row.id,
                row.title,
                " ".join(
                    (
                        row.summary,
                        row.style,
                        row.level,
                        row.rank,
                        row.age_group,
                        row.category,
                        row.location,
                        row.instructor,
                        *msgspec.json.decode(row.tags, type=list[str]),
                    )
                ),
            )
            for row in rows
            if row.listed
        ],
    )


def _sessions() -> Iterable[Row]:
    for session_id, title, capacity, state in SESSIONS:
        yield {
            "id": session_id,
            "title": title,
            "instructor": "Kenji Tanaka",
            "capacity": capacity,
            "state": state,
        }


def _banned(session_id: str) -> Row:
    return {
        "session_id": session_id,
        "user_id": BANNED_USER,
        "name": "Banned",
        "present": False,
        "banned": True,
        "connection": "",
        "process": "",
        "joined": 0,
        "seen": 0,
    }
