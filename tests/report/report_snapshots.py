"""Snapshots built by hand for the tests of the reports, and for the pictures in the docs."""

import random

from swell.base.clock import NS_PER_SECOND
from swell.metrics.histogram import Histogram
from swell.metrics.model import BUILTIN_METRICS, HTTP_PHASES, Contains, Metric, MetricType
from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    ErrorRow,
    GaugeValue,
    MetricState,
    RateValue,
    Reason,
    RequestRow,
    RunInfo,
    ScenarioState,
    Second,
    Section,
    SinkValue,
    Snapshot,
    ThresholdResult,
    TrendValue,
    Verdict,
)

EXPECTED = (("expected_response", "true"),)


def run_info(**changes: object) -> RunInfo:
    """A run of 1.2 s, long enough for rates that are not whole."""
    fields: dict[str, object] = {
        "run_id": "r1",
        "script": "shop.py",
        "started_at": "2026-11-20T11:36:15Z",
        "duration_ns": 1_200_000_000,
        "swell_version": "0.1.0",
        "workers": 1,
        "seed": 7,
        "status": "finished",
    }
    return RunInfo(**(fields | changes))  # type: ignore[arg-type]


def trend(*values: float) -> TrendValue:
    """A trend of these values."""
    return TrendValue(Histogram.of(values))


def builtin(name: str, value: SinkValue, tags: tuple[tuple[str, str], ...] = ()) -> MetricState:
    """A built-in metric."""
    return MetricState(BUILTIN_METRICS[name], value, tags)


def custom(name: str, value: SinkValue, contains: Contains = Contains.DEFAULT) -> MetricState:
    """A metric of the script; its type follows from the value."""
    kinds = {CounterValue: "counter", GaugeValue: "gauge", RateValue: "rate", TrendValue: "trend"}
    return MetricState(Metric(name, MetricType(kinds[type(value)]), contains), value)


def empty() -> Snapshot:
    """A run in which nothing at all was measured."""
    return Snapshot(run=run_info(), metrics=())


def busy(seed: int = 1) -> Snapshot:
    """A run with a bit of everything: thresholds, groups, failures, two scenarios, a degraded verdict."""
    random.seed(seed)
    durations = [random.lognormvariate(1.2, 0.5) for _ in range(4000)]
    phases = [builtin(name, trend(*(value / 8 for value in durations[:500]))) for name in HTTP_PHASES]
    metrics = (
        builtin("vus", GaugeValue(50, 1, 50, 60)),
        builtin("vus_max", GaugeValue(60, 60, 60, 60)),
        builtin("iterations", CounterValue(4000)),
        builtin("iteration_duration", trend(*(value + 1000 for value in durations))),
        builtin("iteration_start_lag", trend(0.02, 0.03, 0.4)),
        builtin("dropped_iterations", CounterValue(12)),
        builtin("checks", RateValue(7920, 8000)),
        builtin("http_reqs", CounterValue(4000)),
        builtin("http_req_duration", trend(*durations)),
        builtin("http_req_duration", trend(*durations[:3950]), EXPECTED),
        builtin("http_req_failed", RateValue(50, 4000)),
        *phases,
        builtin("data_sent", CounterValue(412_345)),
        builtin("data_received", CounterValue(81_234_567)),
        custom("basket_value", trend(12.5, 80, 43.25)),
        custom("delivered", RateValue(990, 1000)),
        custom("orders", CounterValue(310)),
        custom("queue_depth", GaugeValue(3, 0, 17, 60)),
    )
    return Snapshot(
        run=run_info(duration_ns=60_000_000_000),
        metrics=metrics,
        checks=(
            CheckState("status is 200", "", "browse", 3950, 50),
            CheckState("body is JSON", "", "browse", 3000, 0),
            CheckState("basket is filled", "::buy", "buy", 970, 30),
        ),
        groups=("::buy",),
        requests=(
            RequestRow("/api/products", "GET", 3000, 0, Histogram.of(durations[:3000]), {"200": 3000}),
            RequestRow(
                "/api/customers/{id}/orders/{order}/confirmation-page-with-a-long-name",
                "POST",
                950,
                38,
                Histogram.of(durations[3000:3950]),
                {"201": 912, "503": 30, "0": 8},
            ),
            RequestRow("/api/basket", "PUT", 50, 12, Histogram.of(durations[3950:]), {"200": 38, "500": 12}),
        ),
        errors=(
            ErrorRow(
                1503, "status 503", "POST", "/api/customers/{id}/orders", 30, "Service Unavailable: pool"
            ),
            ErrorRow(1500, "status 500", "PUT", "/api/basket", 12, ""),
            ErrorRow(1212, "connection refused", "POST", "/api/orders", 8, "dial tcp 127.0.0.1:8080"),
        ),
        thresholds=(
            ThresholdResult("http_req_duration", "p(95)<300", True, 7.42),
            ThresholdResult("http_req_failed", "rate<0.01", False, 0.0125),
            ThresholdResult("delivered", "rate>0.98", True, 0.99),
        ),
        scenarios=(
            scenario("browse", vus=48, max_vus=50),
            scenario(
                "buy", executor="constant-arrival-rate", planned_rate=16.7, vus=2, max_vus=10, dropped=12
            ),
        ),
        sections=(
            Section("browse", "", (builtin("http_reqs", CounterValue(3000)),)),
            Section("buy", "::buy", (builtin("http_reqs", CounterValue(1000)),)),
        ),
        timeline=timeline(),
        verdict=Verdict(
            "degraded",
            (
                Reason(
                    "dropped-iterations",
                    "load",
                    "degraded",
                    "12 of 1,012 due iterations of buy found no free VU",
                    0.0119,
                    0.01,
                ),
            ),
        ),
        warnings=("requests /static/*: 3 series over the limit of 1,000 went into one row",),
    )


def scenario(name: str, **changes: object) -> ScenarioState:
    """A scenario half way through a minute."""
    fields: dict[str, object] = {
        "name": name,
        "executor": "ramping-vus",
        "description": "Up to 50 looping VUs for 1m0s over 3 stages",
        "status": "running",
        "duration_ns": 60 * NS_PER_SECOND,
        "elapsed_ns": 30 * NS_PER_SECOND,
        "progress": 0.5,
        "vus": 25,
        "max_vus": 50,
        "iterations_started": 2025,
        "iterations": 2000,
    }
    return ScenarioState(**(fields | changes))  # type: ignore[arg-type]


def timeline(seconds: int = 60) -> tuple[Second, ...]:
    """A ramp with a latency bump in its middle."""
    rows = []
    for second in range(seconds):
        rate = round(900 * min(1.0, (second + 1) / 20) + 40 * random.random())
        bump = 30 if 34 <= second < 40 else 0
        p50 = 2 + random.random() / 4 + bump / 10
        rows.append(
            Second(
                at_ns=second * NS_PER_SECOND,
                requests=rate,
                failures=20 if bump else 0,
                iterations=rate,
                vus=min(50, 3 + second * 3),
                p50_ms=p50,
                p95_ms=p50 * 2.4 + bump,
                p99_ms=p50 * 4 + bump * 2,
                bytes_sent=rate * 90,
                bytes_received=rate * 400,
            )
        )
    return tuple(rows)
