"""Tag sets: immutable, interned, compared by identity, known on the wire by a number.

A worker interns every combination once; a record then carries the set's number instead of its text. Only
low-cardinality values belong in tags; when a script sends ever new ones (an id in each URL) the registry
stops growing at ``limit`` and gives the set with its ``url`` and ``name`` replaced by ``OVERFLOW``.
"""

from collections.abc import Mapping

from swell.base.text import well_formed

OVERFLOW = "(other)"
# Enough for a thousand names in twenty scenarios and groups. A set takes 1.2 KB with what is summed up for
# it: 25 MB when full, 50 MB when other tags than url and name explode too.
DEFAULT_LIMIT = 20_000


class TagSet:
    """One combination of tags; made by a ``TagRegistry`` only."""

    __slots__ = ("number", "pairs")

    def __init__(self, pairs: tuple[tuple[str, str], ...], number: int) -> None:
        self.pairs = pairs
        self.number = number

    def __repr__(self) -> str:
        inner = ",".join(f"{name}:{value}" for name, value in self.pairs)
        return f"<TagSet {self.number} {{{inner}}}>"

    def get(self, name: str) -> str | None:
        """The value of the tag ``name``, or None."""
        for key, value in self.pairs:
            if key == name:
                return value
        return None

    def as_dict(self) -> dict[str, str]:
        """A new dictionary of the tags, sorted by name."""
        return dict(self.pairs)


class TagRegistry:
    """Interns tag sets and numbers the (metric, tag set) series of one worker."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._by_pairs: dict[tuple[tuple[str, str], ...], TagSet] = {}
        self._sets: list[TagSet] = []
        self._series: dict[tuple[str, int], int] = {}
        self._series_keys: list[tuple[str, TagSet]] = []
        self.overflowed = 0
        self.empty = self.intern({})

    def __len__(self) -> int:
        return len(self._sets)

    def __getitem__(self, number: int) -> TagSet:
        return self._sets[number]

    def intern(self, tags: Mapping[str, str]) -> TagSet:
        """The one ``TagSet`` with these tags; what is no Unicode in them is replaced (U+FFFD)."""
        pairs = tuple(sorted(tags.items()))
        found = self._by_pairs.get(pairs)
        if found is not None:
            return found
        clean = {well_formed(name): well_formed(value) for name, value in pairs}
        if tuple(sorted(clean.items())) != pairs:
            return self.intern(clean)
        if len(self._sets) >= self._limit:
            bounded = {name: OVERFLOW if name in ("url", "name") else value for name, value in pairs}
            self.overflowed += 1
            pairs = tuple(sorted(bounded.items()))
            found = self._by_pairs.get(pairs)
            if found is not None:
                return found
            if len(self._sets) >= 2 * self._limit:
                # Other tags explode too: everything that is new shares one set.
                pairs = (("name", OVERFLOW),)
                found = self._by_pairs.get(pairs)
                if found is not None:
                    return found
        tag_set = TagSet(pairs, len(self._sets))
        self._by_pairs[pairs] = tag_set
        self._sets.append(tag_set)
        return tag_set

    def extend(self, base: TagSet, extra: Mapping[str, str]) -> TagSet:
        """``base`` with ``extra`` added; ``extra`` wins."""
        return self.intern({**base.as_dict(), **extra}) if extra else base

    def series(self, metric: str, tags: TagSet) -> int:
        """The number under which samples of ``metric`` with ``tags`` are recorded."""
        key = (metric, tags.number)
        number = self._series.get(key)
        if number is None:
            number = self._series[key] = len(self._series_keys)
            self._series_keys.append((metric, tags))
        return number

    def series_key(self, number: int) -> tuple[str, TagSet]:
        """The metric name and tag set behind a series number."""
        return self._series_keys[number]

    @property
    def series_count(self) -> int:
        """How many series numbers have been given out."""
        return len(self._series_keys)
