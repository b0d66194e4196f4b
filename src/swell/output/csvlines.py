"""The csv output: a column per system tag, the other tags in one, in k6's shape."""

from collections.abc import Callable, Sequence
from typing import Final

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.metrics.delta import TagPairs
from swell.output.encoder import EXCHANGE, Tags
from swell.output.numbers import format_rfc3339, format_rfc3339_nano

# They are metadata, and never columns.
_NOT_COLUMNS: Final = frozenset({"vu", "iter"})
_NS_PER_MICROSECOND: Final = 1_000
_SPECIAL: Final = frozenset(',"\r\n')

TIMES: Final[dict[str, Callable[[int], str]]] = {
    "unix": lambda at_ns: str(at_ns // NS_PER_SECOND),
    "unix_milli": lambda at_ns: str(at_ns // NS_PER_MS),
    "unix_micro": lambda at_ns: str(at_ns // _NS_PER_MICROSECOND),
    "unix_nano": str,
    "rfc3339": format_rfc3339,
    "rfc3339_nano": format_rfc3339_nano,
}


def quoted(field: str) -> str:
    """A field as RFC 4180 has it; in quotes only where it must be, or begins with a space."""
    if field and (field[0].isspace() or field == "\\." or not _SPECIAL.isdisjoint(field)):
        return '"' + field.replace('"', '""') + '"'
    return field


def _pairs(pairs: TagPairs) -> str:
    return quoted("&".join(f"{name}={value}" for name, value in pairs))


class CSVLines:
    """Encodes samples as CSV with a column for each of ``system_tags``."""

    def __init__(self, system_tags: Sequence[str], time_format: str = "unix") -> None:
        self._columns = tuple(sorted(set(system_tags) - _NOT_COLUMNS))
        self._time = TIMES[time_format]
        self._tails: dict[Tags, str] = {}
        self._exchanges: dict[tuple[Tags, bool], str] = {}

    def begin(self) -> str:
        """The header."""
        columns = ("metric_name", "timestamp", "metric_value", *self._columns, "extra_tags", "metadata")
        return ",".join(columns) + "\n"

    def exchange(
        self, tags: Tags, at_ns: int, phases: Sequence[int], failed: int | None, metadata: TagPairs
    ) -> str:
        """The lines of one exchange."""
        key = (tags, failed is None)
        template = self._exchanges.get(key)
        if template is None:
            tail = self._tail(tags).replace("%", "%%")
            names = EXCHANGE if failed is not None else EXCHANGE[:-1]
            template = "".join(f"{name},%s,%.6f,{tail},%s\n" for name in names)
            self._exchanges[key] = template
        at = self._time(at_ns)
        told = _pairs(metadata) if metadata else ""
        blocked, connecting, tls, sending, waiting, receiving = phases
        durations = (sending + waiting + receiving, blocked, connecting, tls, sending, waiting, receiving)
        values = [1.0, *(duration_ns / NS_PER_MS for duration_ns in durations)]
        if failed is not None:
            values.append(failed)
        return template % tuple([part for value in values for part in (at, value, told)])

    def point(self, name: str, tags: Tags, at_ns: int, value: float, metadata: TagPairs) -> str:
        """The line of one value."""
        told = _pairs(metadata) if metadata else ""
        return f"{name},{self._time(at_ns)},{value:.6f},{self._tail(tags)},{told}\n"

    def _tail(self, tags: Tags) -> str:
        tail = self._tails.get(tags)
        if tail is None:
            values = dict(tags.pairs)
            columns = [quoted(values.get(name, "")) for name in self._columns]
            extra = _pairs(tuple(pair for pair in tags.pairs if pair[0] not in self._columns))
            tail = self._tails[tags] = ",".join((*columns, extra))
        return tail
