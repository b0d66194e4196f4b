"""Which tag set an exchange is recorded under, found once for all exchanges alike."""

from typing import TYPE_CHECKING

from swell.net.failure import Failure, status_code

if TYPE_CHECKING:
    from swell.metrics.tags import TagSet
    from swell.net.prepared import PreparedRequest
    from swell.net.transport import Connection


def tag_set_number(
    prepared: "PreparedRequest",
    context: "TagSet",
    status: int,
    connection: "Connection | None",
    failure: Failure | None,
    expected: bool,
) -> int:
    """The number of the exchange's tag set, remembered where it is of a kind that comes again.

    ``context`` are the VU's tags; ``status`` is 0 where there was no response.
    """
    if failure is not None:
        return _new_number(prepared, context, status, connection, failure, expected)
    numbers = prepared.template.numbers
    key = context.number << 11 | status << 1 | expected
    number = numbers.get(key)
    if number is None:
        number = numbers[key] = _new_number(prepared, context, status, connection, None, expected)
    if expected:
        prepared.seen_status, prepared.seen_context, prepared.seen_number = status, context, number
    return number


def _new_number(
    prepared: "PreparedRequest",
    context: "TagSet",
    status: int,
    connection: "Connection | None",
    failure: Failure | None,
    expected: bool,
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
    return prepared.template.number(context, status, expected=expected, facts=facts)
