"""Metric definitions: a name with a type and what it contains; no data.

The built-in names, types and meanings are k6's. Time values are float milliseconds at this level.
"""

import re
from enum import StrEnum

import msgspec


class MetricType(StrEnum):
    """How samples of a metric are put together."""

    COUNTER = "counter"
    GAUGE = "gauge"
    RATE = "rate"
    TREND = "trend"


class Contains(StrEnum):
    """What the values are, which decides how they are written."""

    DEFAULT = "default"
    TIME = "time"
    DATA = "data"


class Metric(msgspec.Struct, frozen=True):
    """One metric's definition."""

    name: str
    type: MetricType
    contains: Contains = Contains.DEFAULT


# k6's rule for names that a script may choose.
METRIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{1,128}")


def _counter(name: str, contains: Contains = Contains.DEFAULT) -> Metric:
    return Metric(name, MetricType.COUNTER, contains)


def _time(name: str) -> Metric:
    return Metric(name, MetricType.TREND, Contains.TIME)


# The phases of a request in the order in which they happen; duration = sending + waiting + receiving.
HTTP_PHASES = (
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
)

_BUILTINS = (
    Metric("vus", MetricType.GAUGE),
    Metric("vus_max", MetricType.GAUGE),
    _counter("iterations"),
    _time("iteration_duration"),
    # From the scheduled to the actual start of an iteration: the load generator's own lateness.
    _time("iteration_start_lag"),
    # From the scheduled start to the end of the iteration; open-model scenarios only.
    _time("iteration_response_time"),
    _counter("dropped_iterations"),
    Metric("checks", MetricType.RATE),
    _time("group_duration"),
    _counter("http_reqs"),
    _time("http_req_duration"),
    *(_time(name) for name in HTTP_PHASES),
    # From when a request was due to the last byte of its answer; open-model scenarios only.
    _time("http_req_response_time"),
    Metric("http_req_failed", MetricType.RATE),
    # One per attempt to open a WebSocket, failed ones included.
    _counter("ws_sessions"),
    _time("ws_connecting"),
    _time("ws_session_duration"),
    _counter("ws_msgs_sent"),
    _counter("ws_msgs_received"),
    _time("ws_ping"),
    # swell's own: attempts that gave no session, and sessions that neither side had meant to end so.
    Metric("ws_connect_failed", MetricType.RATE),
    Metric("ws_session_dropped", MetricType.RATE),
    _counter("data_sent", Contains.DATA),
    _counter("data_received", Contains.DATA),
)

BUILTIN_METRICS: dict[str, Metric] = {metric.name: metric for metric in _BUILTINS}
