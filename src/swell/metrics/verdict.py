"""The measurement verdict: can the numbers of this run be trusted, and if not, why.

Three questions: was the load delivered as planned, are the latencies the target's, is the data complete. Each
is answered by measurements of the generator itself against the limits published in ``LIMITS`` (explained in
docs/truth.md, a heading per slug). One reason at level ``invalid`` makes the run invalid, else one at
``degraded`` makes it degraded. A busy CPU alone is no reason: what it may harm is measured here.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from swell.metrics.snapshot import Reason, Verdict

Question = Literal["load", "latency", "data"]


class Limit(msgspec.Struct, frozen=True):
    """Above ``degraded`` a value degrades a run, above ``invalid`` it invalidates it (None: never)."""

    question: Question
    degraded: float | None
    invalid: float | None
    unit: str


LIMITS: Final[dict[str, Limit]] = {
    "dropped-iterations": Limit("load", 0.001, 0.05, "share of planned iterations"),
    "missing-iterations": Limit("load", 0.01, 0.10, "share of planned iterations"),
    "start-lag": Limit("load", 10.0, 100.0, "ms, p99"),
    "local-exhaustion": Limit("load", 0.0, 0.01, "share of requests"),
    "raising-iterations": Limit("load", 0.5, 0.99, "share of iterations"),
    "unsent-requests": Limit("load", 0.5, 0.99, "share of requests"),
    "interrupted-run": Limit("load", 0.0, None, "runs"),
    "unanswered-requests": Limit("latency", 0.5, 0.99, "share of requests"),
    "hub-lag": Limit("latency", 100.0, 2_000.0, "ms, longest"),
    "unstamped-receives": Limit("latency", 0.05, None, "share of requests"),
    "window-limited-receives": Limit("latency", 0.05, 0.50, "share of requests"),
    "receive-gap": Limit("latency", 2_000.0, None, "ms, p99"),
    "gc-pauses": Limit("latency", 50.0, 2_000.0, "ms, longest"),
    "tcp-retransmits": Limit("latency", 0.005, 0.05, "share of segments sent"),
    "listen-drops": Limit("latency", 0.0, None, "connections"),
    "clock-steps": Limit("latency", 0.0, None, "steps"),
    "lost-workers": Limit("data", None, 0.0, "workers"),
    "overflowed-tag-sets": Limit("data", 0.0, None, "tag sets"),
    "overflowed-rows": Limit("data", 0.0, None, "rows"),
    "refused-values": Limit("data", 0.0, None, "values"),
    "nothing-measured": Limit("data", None, 0.0, "runs"),
}

# Without kernel stamps a receive is stamped when the hub gets to it: at most this late while it is on time.
UNSTAMPED_HUB_LAG_MS: Final = 5.0
# A lag to which others on the machine gave less than this is the script's.
OTHERS_SHARE: Final = 0.1
# Fewer are no share of anything: one lost packet in a run of fifty requests says nothing.
RETRANSMITS_FLOOR: Final = 5
# What a lost request or a dropped connection costs at least: Linux waits so long before it sends again. In a
# run whose requests all got on faster, the losses were those of other programs.
LOST_SEGMENT_MS: Final = 200.0


class VerdictInput(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of the generator over the whole run, all workers together.

    The iterations are those of open-model scenarios (arrival rates) only; ``planned`` is what their schedules
    asked for until the end of the run, or None to leave that question out. Shares are counted over
    ``requests``.
    """

    planned_iterations: int | None = None
    # Of all scenarios: iterations that ended, and how many of them by an exception.
    completed_iterations: int = 0
    raised_iterations: int = 0
    started_iterations: int = 0
    dropped_iterations: int = 0
    start_lag_p99_ms: float = 0.0
    hub_lag_max_ms: float = 0.0
    hub_lag_frame: str = ""
    # What of it the worker waited for a processor that others had.
    hub_lag_waited_ms: float = 0.0
    requests: int = 0
    # Requests that got no answer at all: refused, reset, timed out, not resolved.
    unanswered: int = 0
    # Requests and WebSockets that were never sent, as their URL is invalid: they are none of ``requests``.
    unsent: int = 0
    websockets: int = 0
    unstamped: int = 0
    window_limited: int = 0
    # Requests that failed because this machine had no descriptor, port or memory for them.
    exhausted: int = 0
    receive_gap_p99_ms: float = 0.0
    clock_steps: int = 0
    clock_step_max_ms: float = 0.0
    gc_pause_max_ms: float = 0.0
    gc_pause_ms: float = 0.0
    # Of the generator's network namespace, whoever sent them.
    segments_sent: int = 0
    segments_resent: int = 0
    listen_drops: int = 0
    # The longest that any request waited for a connection, to be sent, or for the first byte of its answer.
    longest_wait_ms: float = 0.0
    lost_workers: int = 0
    overflowed_tag_sets: int = 0
    overflowed_rows: int = 0
    refused_values: int = 0
    interrupted: bool = False
    # Whether any sample at all was seen (of iterations, requests or custom metrics).
    measured: bool = True


def reach_verdict(measured: VerdictInput) -> Verdict:
    """Judge a run; reasons stand in the order of the questions, the gravest first within each."""
    looked_at = (*_load(measured), *_latency(measured), *_data(measured))
    reasons = [
        reason for slug, value, message in looked_at if (reason := _reason(slug, value, message)) is not None
    ]
    questions: tuple[Question, ...] = ("load", "latency", "data")
    reasons.sort(key=lambda reason: (questions.index(reason.question), reason.level != "invalid"))
    levels = {reason.level for reason in reasons}
    level: Literal["trusted", "degraded", "invalid"] = (
        "invalid" if "invalid" in levels else "degraded" if levels else "trusted"
    )
    return Verdict(level, tuple(reasons), {slug: value for slug, value, _ in looked_at})


def _reason(slug: str, value: float, message: str) -> Reason | None:
    limit = LIMITS[slug]
    if limit.invalid is not None and value > limit.invalid:
        return Reason(slug, limit.question, "invalid", message, value, limit.invalid)
    if limit.degraded is not None and value > limit.degraded:
        return Reason(slug, limit.question, "degraded", message, value, limit.degraded)
    return None


_Measurement = tuple[str, float, str]


def _load(seen: VerdictInput) -> Iterator[_Measurement]:
    due = seen.started_iterations + seen.dropped_iterations
    planned = due if seen.planned_iterations is None else max(seen.planned_iterations, due)
    if planned:
        share = seen.dropped_iterations / planned
        yield (
            "dropped-iterations",
            share,
            (
                f"{seen.dropped_iterations:,} of {planned:,} planned iterations ({share:.2%}) were dropped: "
                "no VU was free when they were due, or it was too late to start them"
            ),
        )
        missing = planned - due
        yield (
            "missing-iterations",
            missing / planned,
            (
                f"{missing:,} of {planned:,} planned iterations ({missing / planned:.2%}) never started: "
                "the generator was behind its schedule"
            ),
        )
    yield (
        "start-lag",
        seen.start_lag_p99_ms,
        f"1 % of iterations started {seen.start_lag_p99_ms:.3g} ms or more after their time",
    )
    if seen.requests:
        yield (
            "local-exhaustion",
            seen.exhausted / seen.requests,
            f"{seen.exhausted:,} requests failed because this machine had no descriptor, port or memory left",
        )
    if seen.completed_iterations:
        share = seen.raised_iterations / seen.completed_iterations
        yield (
            "raising-iterations",
            share,
            f"{share:.0%} of iterations ended with an exception: this is not the load that was described",
        )
    if seen.unsent:
        share = seen.unsent / (seen.requests + seen.websockets + seen.unsent)
        yield (
            "unsent-requests",
            share,
            (
                f"{share:.0%} of requests were never sent, as their URL is invalid: "
                "this is not the load that was described"
            ),
        )
    yield "interrupted-run", float(seen.interrupted), "the run was ended before its plan was done"


def _latency(seen: VerdictInput) -> Iterator[_Measurement]:
    if seen.requests:
        share = seen.unanswered / seen.requests
        yield (
            "unanswered-requests",
            share,
            f"{share:.0%} of requests got no answer: their durations are no latencies of the target",
        )
    where = f" (in {seen.hub_lag_frame})" if seen.hub_lag_frame else ""
    if seen.hub_lag_waited_ms >= OTHERS_SHARE * seen.hub_lag_max_ms > 0:
        where += f", {seen.hub_lag_waited_ms:,.0f} ms of them while others had its processor"
    yield (
        "hub-lag",
        seen.hub_lag_max_ms,
        f"a worker did nothing else for {seen.hub_lag_max_ms:,.0f} ms{where}: its VUs stood still",
    )
    if seen.requests:
        unstamped = seen.unstamped / seen.requests
        if seen.hub_lag_max_ms > UNSTAMPED_HUB_LAG_MS:
            yield (
                "unstamped-receives",
                unstamped,
                (
                    f"{unstamped:.1%} of answers have no receive stamp of the kernel while the hub was up to "
                    f"{seen.hub_lag_max_ms:,.0f} ms late: their latencies include the generator's delay"
                ),
            )
        limited = seen.window_limited / seen.requests
        yield (
            "window-limited-receives",
            limited,
            f"{limited:.1%} of answers filled the receive window: the generator's reading is in their time",
        )
    yield (
        "receive-gap",
        seen.receive_gap_p99_ms,
        (
            f"1 % of answers waited {seen.receive_gap_p99_ms:,.0f} ms or more in the kernel for a VU, longer "
            "than stamps were calibrated for: its VUs were slower than the target let them be"
        ),
    )
    yield (
        "gc-pauses",
        seen.gc_pause_max_ms,
        (
            f"collecting Python's garbage took up to {seen.gc_pause_max_ms:,.0f} ms of a worker's processor "
            f"at a time ({seen.gc_pause_ms:,.0f} ms in all): its VUs stood still"
        ),
    )
    yield from _network(seen)
    yield (
        "clock-steps",
        float(seen.clock_steps),
        (
            f"the wall clock, which the kernel stamps with, was set {seen.clock_steps} times, by up to "
            f"{seen.clock_step_max_ms:.3g} ms"
        ),
    )


def _network(seen: VerdictInput) -> Iterator[_Measurement]:
    if seen.longest_wait_ms < LOST_SEGMENT_MS:
        return
    if seen.segments_resent >= RETRANSMITS_FLOOR and seen.segments_sent:
        share = seen.segments_resent / seen.segments_sent
        yield (
            "tcp-retransmits",
            share,
            (
                f"{seen.segments_resent:,} of {seen.segments_sent:,} TCP segments ({share:.2%}) were sent "
                "from here again: the network, or a full queue, is in the latencies"
            ),
        )
    yield (
        "listen-drops",
        float(seen.listen_drops),
        (
            f"{seen.listen_drops:,} connections to sockets that listen on this side were dropped, as their "
            "queues were full: those who connected waited a second or more"
        ),
    )


def _data(seen: VerdictInput) -> Iterator[_Measurement]:
    yield (
        "lost-workers",
        float(seen.lost_workers),
        (
            f"{seen.lost_workers} worker{'s' if seen.lost_workers > 1 else ''} died or hung: "
            "what was measured there since the last report is lost"
        ),
    )
    yield (
        "overflowed-tag-sets",
        float(seen.overflowed_tag_sets),
        f"{seen.overflowed_tag_sets:,} requests or samples came with ever new tags and were put together",
    )
    yield (
        "overflowed-rows",
        float(seen.overflowed_rows),
        f"{seen.overflowed_rows:,} series have no row of their own among requests, checks, sections",
    )
    yield (
        "refused-values",
        float(seen.refused_values),
        f"{seen.refused_values:,} values were no finite numbers and are left out",
    )
    yield "nothing-measured", float(not seen.measured), "the run has not one sample"
