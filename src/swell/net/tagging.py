"""Which tag set an exchange is recorded under, found once for all exchanges alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from swell.metrics.tags import TagRegistry, TagSet
from swell.net.failure import Failure, status_code

if TYPE_CHECKING:
    from swell.net.prepared import PreparedRequest
    from swell.net.transport import Connection


# What ``expected`` gives where nobody asks whether a status is expected.
UNJUDGED: Final = 2


def unjudged(_status: int) -> int:
    """An ``expected`` by which no response is a failure, nor counted as none."""
    return UNJUDGED


class TagTemplate:
    """The tags that requests of one method, name and set of extra tags have in common.

    ``numbers`` maps (context number, status, what ``expected`` gave) in one integer to the number of the
    whole tag set.
    """

    __slots__ = ("_base", "_registry", "_system", "extra", "is_named", "method", "name", "numbers")

    def __init__(
        self,
        registry: TagRegistry,
        system: frozenset[str],
        method: str,
        name: str,
        extra: tuple[tuple[str, str], ...],
        *,
        is_named: bool,
    ) -> None:
        self._registry = registry
        self._system = system
        self.method = method
        # k6's rule: a request with a name of its own has that for its url tag too.
        self.name = name
        self.extra = extra
        self.is_named = is_named
        base = {"method": method, "url": name, "name": name}
        self._base = {key: value for key, value in base.items() if key in system}
        self.numbers: dict[int, int] = {}

    def number(self, context: TagSet, status: int, *, expected: bool | None, facts: Mapping[str, str]) -> int:
        """Intern the whole set; ``facts`` are proto, tls_version, error and the like, as far as known."""
        tags = {key: value for key, value in facts.items() if value and key in self._system}
        if "status" in self._system:
            tags["status"] = str(status)
        if expected is not None and "expected_response" in self._system:
            tags["expected_response"] = "true" if expected else "false"
        base = self._base
        name = None if self.is_named else context.get("name")
        if name is not None:
            # Of the VU or its scenario: it names every request that has no name of its own (k6).
            base = {key: name if key == "url" else value for key, value in base.items() if key != "name"}
        # A script's own tags do not hide those that are set by themselves (k6).
        return self._registry.extend(context, dict(self.extra) | base | tags).number


def tag_set_number(
    prepared: "PreparedRequest",
    context: TagSet,
    status: int,
    connection: "Connection | None",
    failure: Failure | None,
    expected: int,
) -> int:
    """The number of the exchange's tag set, remembered where it is of a kind that comes again.

    ``context`` are the VU's tags; ``status`` is 0 where there was no response; ``expected`` is what the
    request's ``expected`` gave.
    """
    if failure is not None:
        return _new_number(prepared, context, status, connection, failure, expected)
    numbers = prepared.template.numbers
    key = context.number << 12 | status << 2 | expected
    number = numbers.get(key)
    if number is None:
        number = numbers[key] = _new_number(prepared, context, status, connection, None, expected)
    if expected == 1:
        prepared.seen_status, prepared.seen_context, prepared.seen_number = status, context, number
    return number


def _new_number(
    prepared: "PreparedRequest",
    context: TagSet,
    status: int,
    connection: "Connection | None",
    failure: Failure | None,
    expected: int,
) -> int:
    facts: dict[str, str] = {}
    if connection is not None:
        head = connection.parser.head
        facts["proto"] = f"HTTP/{head.http_version}" if head is not None else ""
        facts["tls_version"] = connection.tls_version
        if connection.exchanges:
            # k6 names the address of a connection only, not one that refused it.
            facts["ip"] = connection.address.ip
    if failure is not None:
        facts["error"], facts["error_code"] = failure.message, str(failure.code)
    elif status >= 400:  # noqa: PLR2004  # the first error status
        facts["error_code"] = str(status_code(status))
    judged = None if expected == UNJUDGED else bool(expected)
    return prepared.template.number(context, status, expected=judged, facts=facts)
