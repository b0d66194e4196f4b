"""AIVO's test data: the scripts' tenant and key, a hundred assessments, and documents to find."""

from random import Random

import msgspec
from sqlalchemy import Connection, select

from swell_target.base.service import SeedSize
from swell_target.base.settings import Settings
from swell_target.base.sql import delete_all, insert_many
from swell_target.base.textindex import Text
from swell_target.services.aivo.schema import (
    ALL_TABLES,
    API_KEYS,
    ASSESSMENTS,
    DOCUMENT_TEXTS,
    DOCUMENTS,
    TENANTS,
)

# A fixed time, so that seeding twice gives the same rows: 1 January 2026.
CREATED_MS = 1_767_225_600_000
DOCUMENT_COUNT = {"small": 300, "full": 5_000}
TENANT_KEYS = {"test-tenant": ["test-api-key", "mock-token"], "other-tenant": ["other-api-key"]}
DIFFICULTIES = ("beginner", "intermediate", "advanced")
TOPICS = {
    "computer_science": (
        "algorithms programming python javascript databases networks machine learning artificial "
        "intelligence data structures recursion sorting software engineering security web development "
    ),
    "mathematics": (
        "algebra calculus geometry statistics probability trigonometry equations linear functions "
        "derivatives integrals matrices vectors fractions logarithms number theory "
    ),
    "physics": (
        "mechanics energy quantum optics thermodynamics electricity magnetism waves gravity motion "
        "momentum forces relativity nuclear circuits physics "
    ),
    "biology": (
        "photosynthesis genetics evolution cells ecosystems anatomy enzymes proteins bacteria neurons "
        "biology plants reproduction metabolism "
    ),
    "chemistry": (
        "chemical reactions organic periodic table acids bases molecules bonding oxidation solutions "
        "chemistry catalysts stoichiometry "
    ),
    "history": (
        "world war ancient civilizations revolution renaissance industrial empires democracy trade "
        "history middle ages exploration "
    ),
    "english": (
        "grammar essay writing literature shakespeare poetry reading comprehension vocabulary narrative "
        "english rhetoric drama "
    ),
}
FORMS = ("Introduction to", "Understanding", "Advanced", "A guide to", "Practice in", "Principles of")


def questions(number: int) -> list[dict[str, object]]:
    """Five questions: three with options, two with sentences."""
    made: list[dict[str, object]] = [
        {
            "id": position,
            "type": "multiple_choice",
            "question": f"What is {number + position} + {position}?",
            "options": [str(number + 2 * position + offset) for offset in range(4)],
            "correct_answer": 0,
            "points": 10.0,
        }
        for position in (1, 2, 3)
    ]
    made += [
        {
            "id": position,
            "type": "short_answer",
            "question": "Explain how plants make energy from light.",
            "options": [],
            "correct_answer": "photosynthesis turns light water and carbon dioxide into sugar and oxygen",
            "points": 20.0,
        }
        for position in (4, 5)
    ]
    return made


def documents(random: Random, count: int) -> list[dict[str, str]]:
    """Documents about all subjects in turn, of words that the scripts look for."""
    made = []
    subjects = list(TOPICS)
    for number in range(count):
        subject = subjects[number % len(subjects)]
        topics = TOPICS[subject].split()
        first, second = random.sample(topics, 2)
        title = f"{random.choice(FORMS)} {first} and {second}"
        words = random.choices(topics, k=40)
        day = f"{2024 + number % 3}-{1 + number % 12:02}-{1 + number % 28:02}T08:00:00.000Z"
        made.append(
            {
                "id": f"seed-{number}",
                "title": title,
                "content": f"{title}. This lesson explains {' '.join(words)} with examples and exercises.",
                "subject": subject,
                "difficulty": DIFFICULTIES[number % 3],
                "tags": msgspec.json.encode([first, second]).decode(),
                "created": day,
                "updated": day,
            }
        )
    return made


def fill(tx: Connection, size: SeedSize, random: Random, settings: Settings) -> dict[str, int]:  # noqa: ARG001
    """Tenants and keys, test-assessment-0 to -99, and documents."""
    tenants = [{"id": name, "name": name, "rate_limit": 600} for name in TENANT_KEYS]
    keys = [{"key": key, "tenant_id": name} for name, keys in TENANT_KEYS.items() for key in keys]
    insert_many(tx, TENANTS, tenants)
    insert_many(tx, API_KEYS, keys)
    assessments = [
        {
            "id": f"test-assessment-{number}",
            "tenant_id": "test-tenant",
            "title": f"Assessment {number}",
            "subject": ("mathematics", "physics", "english")[number % 3],
            "grade_level": 8 + number % 3,
            "questions": msgspec.json.encode(questions(number)).decode(),
            "settings": "{}",
            "created": CREATED_MS,
        }
        for number in range(100)
    ]
    made = documents(random, DOCUMENT_COUNT[size])
    there = {row.id for row in tx.execute(select(DOCUMENTS.c.id).where(DOCUMENTS.c.id.startswith("seed-")))}
    new = [row for row in made if row["id"] not in there]
    insert_many(tx, DOCUMENTS, new)
    DOCUMENT_TEXTS.put_new(tx, (Text(row["id"], row["title"], row["content"]) for row in new))
    return {
        "tenants": len(tenants),
        "assessments": insert_many(tx, ASSESSMENTS, assessments),
        "documents": len(made),
    }


def clean(tx: Connection) -> None:
    """Remove everything."""
    delete_all(tx, *ALL_TABLES)
    DOCUMENT_TEXTS.clear(tx)
