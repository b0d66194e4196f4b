"""AIVO, test 3: suggestions while typing, full-text queries with filters, documents added to the index.

    swell run suites/aivo/search.py --profile smoke

Where document and script differ: each document has an id of its own, and must be in the index afterwards
(the script replaces thirty thousand again and again). The length of a query is one of three classes in its
tag, as a tag for each length would be a series for each. A slow answer is no error, see gateway.py.
"""

from datetime import UTC, datetime

from suites.aivo.api import BASE_URL, Endpoint, has, objectives, require_service, status_is
from suites.common import audit, new_id, pause, written
from swell import Rate, feeder, ledger, random, scenario, weighted

ENDPOINTS = {
    "suggest": ("search_suggest_duration", 120, 200),
    "search": ("search_query_duration", 200, 350),
    "index": ("search_index_duration", 500, 800),
}

options = {"thresholds": objectives("search_errors", ENDPOINTS)}

errors = Rate("search_errors")
suggestion = Endpoint("suggest", "search_suggest_duration", errors)
full_text = Endpoint("search", "search_query_duration", errors)
indexing = Endpoint("index", "search_index_duration", errors)
documents = ledger("documents")
prefixes = feeder.of(
    [
        "mat",
        "phy",
        "chem",
        "bio",
        "his",
        "eng",
        "alg",
        "geo",
        "cal",
        "stat",
        "prog",
        "data",
        "neur",
        "mach",
        "hist",
        "lit",
        "gram",
        "equa",
    ]
)
phrases = feeder.of(
    [
        "machine learning algorithms",
        "quadratic equations",
        "cell biology",
        "french revolution",
        "organic chemistry",
        "python programming basics",
        "how do plants make energy",
        "newton laws of motion",
        "shakespeare tragedies",
        "probability and statistics",
    ]
)


def setup() -> None:
    """See that the platform is up and takes the key."""
    require_service()


def suggest() -> None:
    """Somebody types the first letters."""
    params = {"q": prefixes.next(), "limit": 10}
    found = suggestion.send("GET", "/api/v1/search/suggest", params=params)
    suggestion.judge(found, {"status is 200": status_is(200), "has results": has("suggestions")})


def query() -> None:
    """A full-text search; half of them filter."""
    phrase = phrases.next()
    body = {
        "query": phrase,
        "filters": {
            "subject": random.choice(["computer_science", None]),
            "difficulty": random.choice(["beginner", None]),
        },
        "limit": random.randint(10, 29),
        "offset": random.randrange(50),
        "sort_by": random.choice(["relevance", "date"]),
        "include_highlights": True,
    }
    found = full_text.send("POST", "/api/v1/search/query", {"query_length": length_of(phrase)}, json=body)
    conditions = {
        "status is 200": status_is(200),
        "has results": has("results"),
        "has total": has("total", int),
    }
    full_text.judge(found, conditions)


def length_of(phrase: str) -> str:
    """A query's length as a tag."""
    words = len(phrase.split())
    return "short" if words < 3 else "medium" if words < 5 else "long"


def index() -> None:
    """A teacher adds a document."""
    now = datetime.now(UTC).isoformat()
    number = new_id("doc-")
    document = {
        "id": number,
        "title": f"Notes about {phrases.next()}",
        "content": "What the lesson was about, in a few sentences. " * 10,
        "subject": random.choice(["mathematics", "physics", "computer_science"]),
        "tags": ["load-test", "notes"],
        "difficulty": random.choice(["beginner", "intermediate", "advanced"]),
        "created_at": now,
        "updated_at": now,
    }
    kept = documents.write(number, lambda: indexing.send("POST", "/api/v1/search/index", json=document))
    conditions = {"status is 200 or 201": status_is(200, 201), "is indexed": has("indexed", bool)}
    indexing.judge(kept, conditions)


mix = weighted({suggest: 60, query: 30, index: 10})


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("1m", 25), ("3m", 60), ("2m", 100), ("3m", 100), ("1m", 0)],
)
def search() -> None:
    """One call, and a moment to think."""
    mix()
    pause(0.2, 1.2)


@audit("every document is in the index once")
def documents_exist() -> None:
    """What was indexed can be found."""
    documents.compare(written(BASE_URL, "documents"))
