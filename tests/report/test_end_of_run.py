"""Below k6's summary stand the request table, errors, warnings, the verdict, and where the run is."""

from typing import Any

import msgspec
import pytest
from report_snapshots import builtin, busy, empty, run_info, trend

from swell.metrics.histogram import Histogram
from swell.metrics.snapshot import ErrorRow, Reason, RequestRow, Snapshot, Verdict
from swell.report.ansi import Painter, cell_width, ellipsised, strip_ansi
from swell.report.endofrun import end_of_run, figure, own_parts, verdict_lines
from swell.report.openmodel import open_model_table
from swell.report.requests import (
    MAX_ERRORS,
    MAX_ROWS,
    UNLIMITED,
    common_origin,
    error_table,
    request_table,
)

PLAIN = Painter(colour=False)


def row(name: str, count: int = 10, failures: int = 0, **changes: Any) -> RequestRow:
    """A row whose requests took 1 to count milliseconds."""
    durations = Histogram.of([float(ms) for ms in range(1, count + 1)])
    fields = {"name": name, "method": "GET", "count": count, "failures": failures, "durations": durations}
    return RequestRow(**(fields | changes))


def snapshot(*rows: RequestRow) -> Snapshot:
    """A run of ten seconds."""
    return Snapshot(run=run_info(duration_ns=10_000_000_000), metrics=(), requests=rows)


def test_the_request_table() -> None:
    """Most frequent first; statuses under a row that failed; a totals row over merged distributions."""
    rows = (row("/b", 10, 1, statuses={"200": 9, "0": 1}), row("/a", 100, statuses={"200": 100}))
    lines = request_table(snapshot(*rows), paint=PLAIN)
    assert [line.split() for line in lines] == [
        ["REQUESTS", "count", "failed", "p50", "p95", "p99", "max", "req/s"],
        ["GET", "/a", "100", "0", "50.5ms", "95.0ms", "99.0ms", "100ms", "10.0"],
        ["GET", "/b", "10", "1", "10.0%", "5.50ms", "9.55ms", "9.91ms", "10.0ms", "1.0"],
        ["↳", "200", "×", "9,", "no", "answer", "×", "1"],
        ["─" * (len(lines[0]) - 2)],
        ["total", "110", "1", "0.90%", "45.5ms", "94.5ms", "98.9ms", "100ms", "11.0"],
    ]


def test_the_one_origin_of_all_urls_is_named_once() -> None:
    """Names of one host show their paths; those of several hosts, and other names, stay whole."""
    rows = (row("http://127.0.0.1:8080/a"), row("http://127.0.0.1:8080"), row("named"))
    lines = request_table(snapshot(*rows), paint=PLAIN)
    assert lines[0] == "  REQUESTS to http://127.0.0.1:8080"
    assert [line.split()[1] for line in lines[2:5]] == ["/", "/a", "named"]
    assert common_origin(["http://a/x", "http://b/x"]) == ""
    assert common_origin(["/x"]) == ""


def test_one_row_needs_no_total() -> None:
    """The totals of a single row are that row."""
    assert len(request_table(snapshot(row("/a")), paint=PLAIN)) == 2


def test_no_request_no_table() -> None:
    """A run without requests has no empty table."""
    assert request_table(empty(), paint=PLAIN) == []


def test_requests_without_an_answer_have_no_times() -> None:
    """Dashes, not noughts."""
    lines = request_table(snapshot(row("/a", 3, 3, durations=Histogram(), statuses={"0": 3})), paint=PLAIN)
    assert lines[1].split() == ["GET", "/a", "3", "3", "100%", "-", "-", "-", "-", "0.30"]


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Long names give way in the middle, wide letters count twice."""
    names = ("/短い/" + "日本語" * 30, "/" + "x" * 300, "https://example.com/a?" + "q=1&" * 50)
    rows = tuple(
        row(name, 1_234_567 // (index + 1) // 1000, 7, statuses={str(code): 1 for code in range(200, 260)})
        for index, name in enumerate(names)
    )
    run = msgspec.structs.replace(busy(), requests=rows)
    text = strip_ansi(own_parts(run, colour=True, width=width, saved_to="results/x"))
    assert max(map(cell_width, text.splitlines())) <= width


def test_names_lose_their_middle() -> None:
    """The end of a URL tells most, so more of it stays."""
    assert ellipsised("/api/customers/12/orders/confirmation", 20) == "/api/cus…onfirmation"
    assert ellipsised("short", 20) == "short"
    assert cell_width(ellipsised("日本語日本語日本語", 8)) <= 8
    assert ellipsised("abc", 1) == "…"


def test_thousands_of_names_are_cut() -> None:
    """What does not fit a screen is in the saved run."""
    lines = request_table(snapshot(*(row(f"/{n}") for n in range(MAX_ROWS + 5))), paint=PLAIN)
    assert "  … and 5 more, in the saved run" in lines


def test_a_stack_as_an_example_is_the_place_where_it_was_raised() -> None:
    """The stack itself was logged; squeezed into a line it would say nothing."""
    stack = (
        'Traceback (most recent call last):\n  File "load.py", line 3, in default\n    pay()\n'
        '  File "shop/pay.py", line 12, in pay\n    raise ValueError("no token")\nValueError: no token'
    )
    errors = (ErrorRow(0, "ValueError: no token", "", "default", 12, stack),)
    assert error_table(errors, paint=PLAIN)[2:] == ["        default  e.g. shop/pay.py:12 in pay"]


def test_errors_are_grouped_with_one_example_each() -> None:
    """The most frequent first, code, place and example below the message."""
    errors = (
        ErrorRow(1212, "connection refused", "GET", "/a", 3, "dial 127.0.0.1:1"),
        ErrorRow(0, "ValueError: no token", "", "", 12, "line 7"),
    )
    assert error_table(errors, paint=PLAIN) == [
        "  ERRORS",
        "  12 ×  ValueError: no token",
        "        e.g. line 7",
        "   3 ×  connection refused [1212]",
        "        GET /a  e.g. dial 127.0.0.1:1",
    ]


def test_messages_of_errors_are_cut_for_a_terminal_only() -> None:
    """Whoever reads a file or pipe gets the whole message, and the whole example."""
    message, example = "no answer " * 30, "http://127.0.0.1/" + "a" * 200
    errors = (ErrorRow(1050, message.strip(), "GET", "/a", 1, example),)
    assert all(len(line) <= 80 for line in error_table(errors, width=80, paint=PLAIN))
    whole = "\n".join(error_table(errors, width=UNLIMITED, paint=PLAIN))
    assert f"{message.strip()} [1050]" in whole
    assert example in whole


def test_many_kinds_of_errors_are_cut_with_their_sum() -> None:
    """Nothing is dropped in silence."""
    errors = tuple(ErrorRow(1000 + n, f"e{n}", "GET", "/", 100 - n) for n in range(MAX_ERRORS + 2))
    assert error_table(errors, paint=PLAIN)[-1] == f"  … and 2 more kinds, {100 - 12 + 100 - 13} times"


def test_the_verdict_names_measured_and_limit() -> None:
    """Invalid reasons come first; figures keep the digits that matter."""
    verdict = Verdict(
        "invalid",
        (
            Reason("start-lag", "load", "degraded", "starts were late", 12.345, 10),
            Reason("lost-worker", "data", "invalid", "a worker was lost", 1, 0),
        ),
    )
    assert verdict_lines(verdict, paint=PLAIN) == [
        "  VERDICT  invalid",
        "           the numbers do not describe the target",
        "  • data complete: a worker was lost",
        "    invalid: measured 1, limit 0 (lost-worker)",
        "  • load delivered as planned: starts were late",
        "    degraded: measured 12.3, limit 10 (start-lag)",
    ]
    assert verdict_lines(None, paint=PLAIN) == []
    assert [figure(value) for value in (0.0119, 1e-6, 1234567, 0.5)] == [
        "0.0119",
        "1e-06",
        "1,234,567",
        "0.5",
    ]


def test_everything_together() -> None:
    """The summary, then our parts in order, the saved path last."""
    text = end_of_run(busy(), saved_to="swell-results/r1")
    order = ["THRESHOLDS", "TOTAL RESULTS", "REQUESTS", "ERRORS", "WARNINGS", "VERDICT  degraded", "SAVED"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert text.startswith("\n\n  █ THRESHOLDS")
    assert text.endswith("  SAVED    swell-results/r1\n\n")


def test_an_aborted_run_says_why() -> None:
    """The reason and the exit code stand above the verdict."""
    run = run_info(status="aborted", abort_reason="thresholds were crossed", exit_code=99)
    text = end_of_run(msgspec.structs.replace(empty(), run=run))
    assert "  thresholds were crossed (exit code 99)" in text


def test_disabled_prints_nothing() -> None:
    """As in k6."""
    assert end_of_run(busy(), mode="disabled") == ""


def test_an_empty_run_has_a_short_end() -> None:
    """No tables, no headings without content."""
    assert end_of_run(empty()).split() == ["█", "TOTAL", "RESULTS"]


def test_colour_changes_nothing_but_escapes() -> None:
    """The coloured report without escapes is the plain one."""
    assert strip_ansi(end_of_run(busy(), colour=True)) == end_of_run(busy())


def test_a_saved_snapshot_makes_the_same_report() -> None:
    """The report is a function of the snapshot: JSON there and back changes nothing."""
    again = msgspec.json.decode(msgspec.json.encode(busy()), type=Snapshot)
    assert end_of_run(again, mode="full") == end_of_run(busy(), mode="full")


def trended(**trends: list[float]) -> Snapshot:
    """A run with these trends."""
    return Snapshot(
        run=run_info(), metrics=tuple(builtin(name, trend(*values)) for name, values in trends.items())
    )


def test_the_open_model_shows_both_times() -> None:
    """What the target took, and what the user waited for, side by side."""
    run = trended(http_req_duration=[2.0] * 4, http_req_response_time=[2.0, 3.0, 4.0, 500.0])
    assert open_model_table(run, width=80, paint=PLAIN) == [
        "  RESPONSE TIME  iterations start at a rate     p50     p95     p99     max",
        "  service time   sent to last byte           2.00ms  2.00ms  2.00ms  2.00ms",
        "  response time  due to last byte            3.50ms   426ms   485ms   500ms",
    ]


def test_closed_model_requests_in_the_service_time_are_said() -> None:
    """Where scenarios of both models ran, the two lines do not count the same requests."""
    run = trended(http_req_duration=[2.0] * 9, http_req_response_time=[2.0] * 4)
    assert "sent to last byte, of all" in "\n".join(open_model_table(run, width=80, paint=PLAIN))


def test_the_closed_model_has_no_response_time() -> None:
    """Nothing was due at a time of its own."""
    assert open_model_table(trended(http_req_duration=[2.0]), width=80, paint=PLAIN) == []


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_times_fit_the_terminal(width: int) -> None:
    """Labels give way to figures."""
    run = trended(http_req_duration=[2.0] * 4, http_req_response_time=[2.0, 3.0, 4.0, 60_000.0])
    lines = open_model_table(run, width=width, paint=PLAIN)
    assert all(cell_width(line) <= max(width, 50) for line in lines)
