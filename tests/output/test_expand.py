"""Raw records become the samples that k6 has."""

import itertools
import json
from typing import Any

from samples_frames import exchange, frame, mark

from swell.metrics.model import BUILTIN_METRICS, Metric, MetricType
from swell.metrics.samples import FAILED, JUDGED
from swell.output.encoder import Tags
from swell.output.expand import OWN_METRICS, WorkerStream
from swell.output.jsonlines import JSONLines

ROOT, OTHER = (("scenario", "a"),), (("group", "::setup"),)


def encoder() -> JSONLines:
    """Knows the built-in metrics."""
    return JSONLines(lambda name: BUILTIN_METRICS.get(name) or Metric(name, MetricType.COUNTER), {})


def points(text: str) -> list[dict[str, Any]]:
    """The points of JSON lines, each with its metric's name."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [{"metric": line["metric"], **line["data"]} for line in lines if line["type"] == "Point"]


def test_bytes_are_counted_per_iteration() -> None:
    """Bytes of a VU's exchanges come with the end of its iteration, under that sample's tags and time."""
    stream = WorkerStream([encoder()], 0, ())
    first, second = mark(1, 0), mark(2, 0)
    (text,) = stream.expand(
        frame(
            [(exchange(10), first), (exchange(11, sent=1, received=2), second), (exchange(12), first)],
            [(0, 13, 3.5, first)],
            [ROOT],
            [("iteration_duration", 0)],
        )
    )
    told = [(point["metric"], point["value"]) for point in points(text)]
    assert told[-4:] == [
        ("data_sent", 80),
        ("data_received", 400),
        ("iteration_duration", 3.5),
        ("iterations", 1),
    ]
    assert [name for name, _ in told[:-4]].count("http_reqs") == 3
    (text,) = stream.expand(frame(samples=[(0, 20, 1.0, second)]))
    assert [(point["metric"], point["value"]) for point in points(text)][:2] == [
        ("data_sent", 1),
        ("data_received", 2),
    ]


def test_an_interrupted_iteration_has_bytes_but_no_duration() -> None:
    """data_sent of 0 is the end of what has no iteration_duration: setup, teardown, an interruption."""
    (text,) = WorkerStream([encoder()], 0, ()).expand(
        frame([(exchange(5), 0)], [(0, 6, 0.0, 0)], [OTHER], [("data_sent", 0)])
    )
    assert [(p["metric"], p["value"], p["tags"]) for p in points(text)][-2:] == [
        ("data_sent", 40, {"group": "::setup"}),
        ("data_received", 200, {"group": "::setup"}),
    ]


def test_samples_of_a_frame_are_in_the_order_of_time() -> None:
    """Exchanges and other samples travel apart and are told together."""
    of = mark(1, 0)
    (text,) = WorkerStream([encoder()], 1_000_000_000, ()).expand(
        frame([(exchange(20), of)], [(0, 10, 1.0, of), (0, 30, 0.0, of)], [ROOT], [("checks", 0)])
    )
    names = [name for name, _ in itertools.groupby(point["metric"] for point in points(text))]
    assert [name for name in names if name in ("checks", "http_reqs")] == ["checks", "http_reqs", "checks"]
    assert points(text)[0]["time"].partition(".")[2][:9] == "00000001Z"[:9]


def test_vu_and_iteration_are_metadata_where_the_system_tags_name_them() -> None:
    """VU 0 (setup) has an iteration but no number; what no VU made has neither."""
    stream = WorkerStream([encoder()], 0, ("vu", "iter"))
    (text,) = stream.expand(
        frame(
            samples=[(0, 1, 1.0, mark(7, 3)), (0, 2, 1.0, 0), (0, 3, 1.0, -1)],
            tag_sets=[ROOT],
            series=[("checks", 0)],
        )
    )
    assert [point.get("metadata") for point in points(text)] == [
        {"vu": "7", "iter": "3"},
        {"iter": "0"},
        None,
    ]


def test_a_failed_and_an_unjudged_exchange() -> None:
    """http_req_failed is 1, and missing where the script switched judging off."""
    (text,) = WorkerStream([encoder()], 0, ()).expand(
        frame([(exchange(1, flags=JUDGED | FAILED), 0), (exchange(2, flags=0), 0)], tag_sets=[ROOT])
    )
    assert [p["value"] for p in points(text) if p["metric"] == "http_req_failed"] == [1]
    assert [p["metric"] for p in points(text)].count("http_reqs") == 2


def test_metrics_can_be_left_out() -> None:
    """A k6 script's output has k6's metrics only."""
    (text,) = WorkerStream([encoder()], 0, (), OWN_METRICS).expand(
        frame(samples=[(0, 1, 1.0, 0)], tag_sets=[ROOT], series=[("iteration_start_lag", 0)])
    )
    assert text == ""


def test_bytes_without_an_end_are_not_lost() -> None:
    """What a lost worker's VUs had moved is told at the end of the run."""
    stream = WorkerStream([encoder()], 0, ())
    stream.expand(frame([(exchange(5), mark(1, 0)), (exchange(6), mark(2, 0))], tag_sets=[ROOT]))
    (text,) = stream.rest(Tags(()), 9)
    assert [(point["metric"], point["value"]) for point in points(text)] == [
        ("data_sent", 80),
        ("data_received", 400),
    ]
    assert stream.rest(Tags(()), 9) == [""]
