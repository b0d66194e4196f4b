"""Tests of the book against a dictionary: order does not matter to merging, comparing finds what differs."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from swell.metrics.invariants import Finding
from swell.scripts.native.book import SHOWN_IDS, Book, Totals
from swell.scripts.native.spool import Outcome, Record

KEYS = st.sampled_from([*"abcdefg", None])
AMOUNTS = st.integers(-5, 5).map(float)
RECORDS = st.lists(st.builds(Record, KEYS, st.sampled_from(Outcome), AMOUNTS), max_size=40)
FOUND = st.lists(st.sampled_from([*"abcdefgxyz"]), max_size=40)

ACK = Outcome.ACKNOWLEDGED


def book_of(*parts: list[Record]) -> Book:
    """A book that got ``parts`` one after another."""
    book = Book()
    for part in parts:
        book.add(part)
    return book


def strongest(records: list[Record]) -> dict[str, tuple[Outcome, float]]:
    """The oracle's merge."""
    rows: dict[str, tuple[Outcome, float]] = {}
    for key, outcome, amount in records:
        if key is not None:
            rows[key] = max(rows.get(key, (outcome, amount)), (outcome, amount))
    return rows


@given(RECORDS, st.randoms(use_true_random=False), st.integers(0, 40))
def test_merging_is_free_of_order(records: list[Record], random, cut: int):
    """However records are shuffled and split over workers, entries and totals are the same."""
    whole = book_of(records)
    shuffled = list(records)
    random.shuffle(shuffled)
    split = book_of(shuffled[:cut], shuffled[cut:])
    assert list(split.entries()) == list(whole.entries())
    assert split.totals() == whole.totals()


@given(RECORDS)
def test_totals_are_those_of_a_dictionary(records: list[Record]):
    """Each key counts once with its strongest record; a record without a key counts by itself."""
    rows = [*strongest(records).values(), *((r.outcome, r.amount) for r in records if r.key is None)]
    count = Counter(outcome for outcome, _ in rows)
    amount = sum(value for outcome, value in rows if outcome is ACK)
    unknown = [value for outcome, value in rows if outcome is Outcome.UNKNOWN]
    assert book_of(records).totals() == Totals(
        count[ACK],
        count[Outcome.REFUSED],
        count[Outcome.UNKNOWN],
        amount,
        amount + sum(min(value, 0) for value in unknown),
        amount + sum(max(value, 0) for value in unknown),
    )


@given(RECORDS, FOUND, st.integers(1, 3), st.booleans())
def test_comparing_finds_exactly_what_differs(
    records: list[Record], found: list[str], times: int, strict: bool
):
    """The findings name the keys that an oracle over dictionaries names, and no other."""
    rows, seen = strongest(records), Counter(found)
    wanted: dict[str, set[str]] = {
        "acknowledged, and not there": {k for k, (o, _) in rows.items() if o is ACK and not seen[k]},
        "acknowledged, and there too few times": {
            k for k, (o, _) in rows.items() if o is ACK and 0 < seen[k] < times
        },
        "acknowledged, and there too many times": {
            k for k, (o, _) in rows.items() if o is ACK and seen[k] > times
        },
        "refused, and there all the same": {
            k for k, (o, _) in rows.items() if o is Outcome.REFUSED and seen[k]
        },
        "of unknown outcome, and there too many times": {
            k for k, (o, _) in rows.items() if o is Outcome.UNKNOWN and seen[k] > times
        },
    }
    alone = set(seen) - set(rows)
    keyless = sum(1 for r in records if r.key is None and r.outcome is Outcome.UNKNOWN)
    if strict and len(alone) > keyless:
        wanted["there, and never written"] = alone
    findings = book_of(records).compare(found, times=times, strict=strict)
    named = {one.message: {name.partition(" ")[0] for name in one.ids} for one in findings}
    assert named == {message: keys for message, keys in wanted.items() if keys}
    assert all(one.count == len(one.ids) for one in findings)


def test_times_can_be_the_amount():
    """With times="amount" each key must be there as often as its own amount says; 0 means not at all."""
    book = book_of([Record("a", ACK, 2.0), Record("b", ACK, 1.0), Record("c", ACK), Record("d", ACK, 3.0)])
    assert book.compare("aab", times="amount") == [Finding("acknowledged, and not there", 1, ("d",))]
    assert book.compare("aabbddd", times="amount") == [
        Finding("acknowledged, and there too many times", 1, ("b (2 times)",))
    ]


def test_findings_are_bounded():
    """A thousand missing keys are one finding with the first twenty, in order."""
    book = book_of([Record(f"k{number:03}", ACK) for number in range(1000)])
    (finding,) = book.compare([])
    assert finding.count == 1000
    assert finding.ids == tuple(f"k{number:03}" for number in range(SHOWN_IDS))


def test_comparing_again_starts_anew():
    """What an earlier attempt found is forgotten; ids may be numbers and come from a generator."""
    book = book_of([Record("1", ACK), Record("2", ACK)])
    assert len(book.compare([1, 1])) == 2
    assert book.compare(number for number in (1, 2)) == []


def test_entries_count_records():
    """An entry tells how often its key was recorded with the outcome that counts."""
    unknown = Record("a", Outcome.UNKNOWN, 9.0)
    (entry,) = book_of([unknown, Record("a", ACK, 1.0), unknown, Record("a", ACK, 1.0)]).entries()
    assert entry == ("a", "acknowledged", 1.0, 2)
