"""The end summary has k6's layout, character by character."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_snapshots import EXPECTED, builtin, busy, custom, empty, run_info, trend

from swell.metrics.histogram import Histogram
from swell.metrics.model import Contains
from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    GaugeValue,
    RateValue,
    Section,
    Snapshot,
    ThresholdResult,
    TrendValue,
)
from swell.report.ansi import k6_width, strip_ansi
from swell.report.endofrun import summary_text
from swell.report.summary import family_of


def written(snapshot: Snapshot, mode: str = "compact") -> list[str]:
    """The lines of the summary with trailing blanks made visible, as in the fact sheet."""
    return summary_text(snapshot, mode=mode).replace(" \n", "·\n").split("\n")


def small(**changes: Any) -> Snapshot:
    """Two requests, eight checks of which two failed, one custom counter and trend."""
    snapshot = Snapshot(
        run=run_info(duration_ns=1_202_637_658),
        metrics=(
            custom("my_counter", CounterValue(2)),
            custom("my_trend", trend(3, 5, 4), Contains.TIME),
            builtin("http_req_duration", trend(0.07246, 0.21132)),
            builtin("http_req_duration", trend(0.07246, 0.21132), EXPECTED),
            builtin("http_req_failed", RateValue(0, 2)),
            builtin("http_reqs", CounterValue(2)),
            builtin("checks", RateValue(6, 8)),
        ),
        checks=(
            CheckState("is 200", "", "default", 6, 0),
            CheckState("bad", "", "default", 0, 2),
        ),
    )
    return msgspec.structs.replace(snapshot, **changes)


def test_the_compact_layout() -> None:
    """Totals, checks, families, dots and columns stand where k6 puts them."""
    assert written(small()) == [
        "",
        "  █ TOTAL RESULTS·",
        "",
        "    checks_total.......: 8      6.652045/s",
        "    checks_succeeded...: 75.00% 6 out of 8",
        "    checks_failed......: 25.00% 2 out of 8",
        "",
        "    ✓ is 200",
        "    ✗ bad",
        "      ↳  0% — ✓ 0 / ✗ 2",
        "",
        "    CUSTOM",
        "    my_counter.....................: 2     1.663011/s",
        "    my_trend.......................: avg=4ms      min=3ms     med=4ms      max=5ms      p(90)=4.8ms    p(95)=4.9ms  ·",
        "",
        "    HTTP",
        "    http_req_duration..............: avg=141.89µs min=72.46µs med=141.89µs max=211.32µs p(90)=197.43µs p(95)=204.37µs",
        "      { expected_response:true }...: avg=141.89µs min=72.46µs med=141.89µs max=211.32µs p(90)=197.43µs p(95)=204.37µs",
        "    http_req_failed................: 0.00% 0 out of 2",
        "    http_reqs......................: 2     1.663011/s",
        "",
        "",
    ]


def test_the_threshold_section() -> None:
    """A submetric stands indented below its parent; an absent parent leaves it its full name."""
    results = (
        ThresholdResult("http_req_duration{scenario:sc2}", "max<500", True, 211.32),
        ThresholdResult("http_req_duration", "p(99)<500", True, 0.2099387),
        ThresholdResult("checks", "rate>0.99", False, 0.75),
        ThresholdResult("http_reqs{status:200}", " count>=2 ", True, 2),
        ThresholdResult("my_counter", "rate<10", True, 1.663013),
    )
    lines = written(small(thresholds=results))
    assert lines[: lines.index("  █ TOTAL RESULTS·")] == [
        "",
        "  █ THRESHOLDS·",
        "",
        "    checks",
        "    ✗ 'rate>0.99' rate=75.00%",
        "",
        "    http_req_duration",
        "    ✓ 'p(99)<500' p(99)=209.93µs",
        "",
        "      {scenario:sc2}",
        "      ✓ 'max<500' max=211.32ms",
        "",
        "    http_reqs{status:200}",
        "    ✓ 'count>=2' count=2",
        "",
        "    my_counter",
        "    ✓ 'rate<10' rate=1.663013/s",
        "",
        "",
    ]


def test_a_threshold_without_data_says_so() -> None:
    """No figure is made up where nothing was measured; a pass without data (as k6 gives) is marked."""
    results = (
        ThresholdResult("http_req_duration", "p(95)<500", False, None, no_data=True),
        ThresholdResult("my_trend", "max<500", True, 0.0, no_data=True),
    )
    lines = written(small(thresholds=results))
    assert "    ✗ 'p(95)<500' no data" in lines
    assert "    ✓ 'max<500' max=0s (no data)" in lines


def test_a_threshold_that_the_run_did_not_come_to_is_no_failure() -> None:
    """After Ctrl-C what saw no data is neither kept nor crossed."""
    results = (ThresholdResult("http_req_duration", "p(95)<500", True, None, no_data=True),)
    snapshot = small(thresholds=results)
    aborted = msgspec.structs.replace(snapshot, run=msgspec.structs.replace(snapshot.run, status="aborted"))
    assert "    · 'p(95)<500' no data when the run was ended" in written(aborted)


@pytest.mark.parametrize("mode", ["compact", "full", "legacy"])
def test_a_judged_metric_without_samples_is_listed_as_no_data(mode: str) -> None:
    """An empty trend is not shown as nought."""
    snapshot = Snapshot(
        run=run_info(),
        metrics=(builtin("http_req_duration", TrendValue(Histogram())), builtin("vus", GaugeValue())),
        thresholds=(ThresholdResult("http_req_duration", "p(95)<500", False, None, no_data=True),),
    )
    text = summary_text(snapshot, mode=mode)
    assert "http_req_duration...: no data" in text
    assert "vus" not in text


def test_a_k6_script_s_summary_shows_noughts_as_k6_does() -> None:
    """Pipelines parse what k6 prints: a judged rate without samples is 0 out of 0, and its pass bears no mark."""
    snapshot = Snapshot(
        run=msgspec.structs.replace(run_info(), language="k6"),
        metrics=(custom("errors", RateValue(0, 0)),),
        thresholds=(ThresholdResult("errors", "rate<0.1", True, 0.0, no_data=True),),
    )
    lines = [line.rstrip() for line in summary_text(snapshot).split("\n")]
    assert "    ✓ 'rate<0.1' rate=0.00%" in lines
    assert [line.split() for line in lines if "..." in line] == [
        ["errors..........:", "0.00%", "0", "out", "of", "0"],
        ["data_received...:", "0", "B", "0", "B/s"],
        ["data_sent.......:", "0", "B", "0", "B/s"],
    ]


def test_gauges_and_bytes_align_with_counters() -> None:
    """Extras share their columns within the block, and the last one is filled too."""
    snapshot = Snapshot(
        run=run_info(duration_ns=10_000_000_000),
        metrics=(
            builtin("vus", GaugeValue(1, 1, 19, 9)),
            builtin("iterations", CounterValue(45)),
            builtin("data_received", CounterValue(1_300_000)),
            custom("heap", GaugeValue(1.5e6, 10, 2e6, 3), Contains.DATA),
        ),
    )
    assert written(snapshot)[2:] == [
        "",
        "    CUSTOM",
        "    heap............: 1.5 MB min=10 B max=2.0 MB",
        "",
        "    EXECUTION",
        "    iterations......: 45     4.5/s",
        "    vus.............: 1      min=1    max=19   ·",
        "",
        "    NETWORK",
        "    data_received...: 1.3 MB 130 kB/s",
        "",
        "",
    ]


def test_full_mode_adds_sections_and_phases() -> None:
    """Groups of the default scenario first, then the other scenarios, nested groups inside."""
    checks = (
        CheckState("top", "", "default", 1, 0),
        CheckState("in a", "::a", "default", 1, 1),
        CheckState("in b", "::a::b", "default", 0, 1),
        CheckState("made", "::setup", "", 1, 0),
        CheckState("other", "", "zeta", 1, 0),
    )
    snapshot = Snapshot(
        run=run_info(),
        metrics=(builtin("http_req_waiting", trend(1)),),
        checks=checks,
        groups=("::a", "::a::b"),
        sections=(
            Section("default", "", (builtin("http_reqs", CounterValue(4)),)),
            Section("default", "::a", (builtin("http_reqs", CounterValue(12)),)),
            Section("zeta", "::late", (builtin("http_reqs", CounterValue(6)),)),
        ),
    )
    lines = written(snapshot, "full")
    assert any(line.startswith("    http_req_waiting...: avg=1ms") for line in lines)
    assert lines[lines.index("  █ GROUP: a·") :] == [
        "  █ GROUP: a·",
        "",
        "    checks_total.......: 2      1.666667/s",
        "    checks_succeeded...: 50.00% 1 out of 2",
        "    checks_failed......: 50.00% 1 out of 2",
        "",
        "    ✗ in a",
        "      ↳  50% — ✓ 1 / ✗ 1",
        "",
        "    HTTP",
        "    http_reqs...: 12 10/s",
        "",
        "    ↳ GROUP: b·",
        "",
        "      checks_total.......: 1       0.833333/s",
        "      checks_succeeded...: 0.00%   0 out of 1",
        "      checks_failed......: 100.00% 1 out of 1",
        "",
        "      ✗ in b",
        "          ↳  0% — ✓ 0 / ✗ 1",
        "",
        "",
        "  █ SCENARIO: zeta·",
        "",
        "    checks_total.......: 1       0.833333/s",
        "    checks_succeeded...: 100.00% 1 out of 1",
        "    checks_failed......: 0.00%   0 out of 1",
        "",
        "    ✓ other",
        "",
        "    ↳ GROUP: late·",
        "",
        "      HTTP",
        "      http_reqs...: 6 5/s",
        "",
        "",
    ]
    assert not any("setup" in line for line in lines)


def test_the_legacy_layout() -> None:
    """Groups first, then all metrics in one list, judged ones marked before their name."""
    snapshot = small(
        checks=(
            CheckState("is 200", "", "default", 6, 0),
            CheckState("bad", "::my group", "default", 0, 2),
        ),
        groups=("::my group",),
        thresholds=(
            ThresholdResult("http_req_duration", "p(95)<1", True, 0.2),
            ThresholdResult("http_req_failed", "rate>1", False, 0.0),
            ThresholdResult("http_req_failed", "rate<1", True, 0.0),
        ),
    )
    assert written(snapshot, "legacy") == [
        "     ✓ is 200",
        "",
        "     █ my group",
        "",
        "       ✗ bad",
        "        ↳  0% — ✓ 0 / ✗ 2",
        "",
        "     checks.........................: 75.00% ✓ 6        ✗ 2",
        "   ✓ http_req_duration..............: avg=141.89µs min=72.46µs med=141.89µs max=211.32µs p(90)=197.43µs p(95)=204.37µs",
        "       { expected_response:true }...: avg=141.89µs min=72.46µs med=141.89µs max=211.32µs p(90)=197.43µs p(95)=204.37µs",
        "   ✗ http_req_failed................: 0.00%  ✓ 0        ✗ 2",
        "     http_reqs......................: 2      1.663011/s",
        "     my_counter.....................: 2      1.663011/s",
        "     my_trend.......................: avg=4ms      min=3ms     med=4ms      max=5ms      p(90)=4.8ms    p(95)=4.9ms  ·",
        "",
    ]


def test_trend_stats_and_time_unit_are_the_users() -> None:
    """Only the wanted statistics appear, in their order and unit; a count stays a plain integer."""
    run = run_info(summary_trend_stats=("count", "p(99.9)", "avg"), summary_time_unit="us")
    lines = written(small(run=run))
    assert (
        "    http_req_duration..............: count=2 p(99.9)=211.18µs  avg=141.89µs ·" in lines
        or "    http_req_duration..............: count=2 p(99.9)=211.18µs  avg=141.89µs·" in lines
    )


def test_percentiles_of_plain_numbers_show_no_false_digits() -> None:
    """A histogram knows a value to 0.1 %: 120 is not written as 120.058594."""
    snapshot = Snapshot(run=run_info(), metrics=(custom("size", trend(100, 120, 140)),))
    assert "avg=120 min=100 med=120 max=140 p(90)=136 p(95)=138" in summary_text(snapshot)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("http_reqs", "HTTP"),
        ("http_reqs_slow", "HTTP"),
        ("http_request_size", "CUSTOM"),
        ("vus_wanted", "EXECUTION"),
        ("iterations_b", "EXECUTION"),
        ("iteration_response_time", "EXECUTION"),
        ("data_sent", "NETWORK"),
        ("browser_data_sent", "BROWSER"),
        ("browser_web_vital_lcp", "WEB_VITALS"),
        ("grpc_req_duration", "GRPC"),
        ("ws_mine", "WEBSOCKET"),
        ("orders", "CUSTOM"),
    ],
)
def test_families_go_by_the_beginning_of_a_name(name: str, family: str) -> None:
    """K6's quirk is kept: a custom metric may land in a built-in family."""
    assert family_of(name) == family


def test_custom_metrics_that_begin_like_hidden_ones_are_hidden() -> None:
    """K6's other quirk of prefixes."""
    metrics = (custom("checks_foo", CounterValue(1)), custom("group_duration_b", CounterValue(1)))
    assert "foo" not in summary_text(Snapshot(run=run_info(), metrics=metrics), mode="full")


@pytest.mark.parametrize("mode", ["compact", "full", "legacy"])
def test_colour_changes_nothing_but_escapes(mode: str) -> None:
    """Without its escapes the coloured text is the plain one: columns are measured without them."""
    plain = summary_text(busy(), mode=mode)
    coloured = summary_text(busy(), mode=mode, colour=True)
    assert "\x1b" not in plain
    assert strip_ansi(coloured) == plain


def test_colours_are_k6s() -> None:
    """Values cyan, extras faint cyan, dots faint white, marks green or red, titles bold, source white."""
    text = summary_text(small(thresholds=(ThresholdResult("checks", "rate>0.99", False, 0.75),)), colour=True)
    assert "\x1b[31m✗\x1b[0m \x1b[37m'rate>0.99'\x1b[0m \x1b[37mrate=\x1b[0m\x1b[36m75.00%\x1b[0m" in text
    assert "█ \x1b[1mTOTAL RESULTS\x1b[0m \n" in text
    assert (
        "http_reqs\x1b[2;37m......................:\x1b[0m \x1b[36m2    \x1b[0m \x1b[2;36m1.663011/s\x1b[0m"
        in text
    )
    assert "\x1b[32m✓ is 200\x1b[0m" in text


@pytest.mark.parametrize("mode", ["compact", "full", "legacy"])
def test_a_run_without_anything_has_an_empty_summary(mode: str) -> None:
    """No requests, no checks, no metrics: nothing breaks."""
    assert summary_text(empty(), mode=mode).split() in (["█", "TOTAL", "RESULTS"], [])


def test_a_run_of_no_length_has_no_rates() -> None:
    """Zero duration gives 0/s, not an error."""
    assert "http_reqs......................: 2     0/s" in summary_text(small(run=run_info(duration_ns=0)))


def test_names_are_measured_and_cannot_steer_the_terminal() -> None:
    """Wide letters align after NFKC as in k6; control characters are written out."""
    snapshot = small(
        metrics=(custom("ﬁnal", CounterValue(1)), custom("größe", CounterValue(2))),
        checks=(CheckState("größe \x1b[2J\n✓", "", "default", 1, 0),),
    )
    lines = written(snapshot)
    assert "    ✓ größe \\x1b[2J ✓" in lines
    assert k6_width("ﬁnal") == 5
    assert {
        line.index(":") + ("ﬁ" in line) for line in lines if line.startswith("    ﬁ") or "größe." in line
    } == {12}


@given(st.floats(min_value=-1e300, max_value=1e300), st.integers(min_value=0, max_value=10**18))
def test_huge_numbers_break_nothing(value: float, count: int) -> None:
    """Any finite value can be written in every layout."""
    snapshot = small(
        metrics=(
            custom("t", trend(value)),
            custom("ms", trend(value), Contains.TIME),
            custom("g", GaugeValue(value, value, value, 1), Contains.DATA),
            custom("c", CounterValue(count)),
            custom("r", RateValue(count, count * 2)),
        )
    )
    for mode in ("compact", "full", "legacy"):
        assert summary_text(snapshot, mode=mode)
