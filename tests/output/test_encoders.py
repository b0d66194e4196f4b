"""The lines of json and csv against lines that k6 2.2 wrote for the same samples."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.config.options import ThresholdSpec
from swell.metrics.model import BUILTIN_METRICS, Contains, Metric, MetricType
from swell.output.csvlines import CSVLines, quoted
from swell.output.encoder import Tags
from swell.output.jsonlines import JSONLines

AT = 1_795_763_435_193_004_075
PHASES = (2_000_000, 0, 0, 100_000, 1_500_000, 250_000)
CUSTOM = {
    "my_c": Metric("my_c", MetricType.COUNTER),
    "my_t": Metric("my_t", MetricType.TREND, Contains.TIME),
}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swell.output.numbers._second", lambda _: ("2026-11-27T07:10:35", "Z"))


def json_lines(**thresholds: str) -> JSONLines:
    """An encoder that knows the built-in metrics and two custom ones."""
    specs = {key: (ThresholdSpec(source),) for key, source in thresholds.items()}
    return JSONLines(lambda name: CUSTOM.get(name) or BUILTIN_METRICS[name], specs)


def test_the_definition_comes_before_the_first_point_only() -> None:
    """Name, type, contents, thresholds and submetrics stand in the line that k6 writes, keys in its order."""
    encoder = json_lines(**{"my_t": "avg>=0", "my_t{a:b}": "max<9"})
    tags = Tags((("a", "b"), ("run", 'x&y=z,"q')))
    first = encoder.point("my_t", tags, AT, 1.5, (("foo", "bar"),))
    assert first == (
        '{"type":"Metric","data":{"name":"my_t","type":"trend","contains":"time","thresholds":["avg>=0"],'
        '"submetrics":[{"name":"my_t{a:b}","suffix":"a:b","tags":{"a":"b"}}]},"metric":"my_t"}\n'
        '{"metric":"my_t","type":"Point","data":{"time":"2026-11-27T07:10:35.193004075Z","value":1.5,'
        '"tags":{"a":"b","run":"x&y=z,\\"q"},"metadata":{"foo":"bar"}}}\n'
    )
    assert encoder.point("my_t", tags, AT, 2, ()) == (
        '{"metric":"my_t","type":"Point","data":{"time":"2026-11-27T07:10:35.193004075Z","value":2,'
        '"tags":{"a":"b","run":"x&y=z,\\"q"}}}\n'
    )


def test_a_metric_without_thresholds_or_submetrics() -> None:
    """There is an empty list of thresholds and null for submetrics."""
    assert (
        json_lines()
        .point("my_c", Tags(()), AT, 1, ())
        .startswith(
            '{"type":"Metric","data":{"name":"my_c","type":"counter","contains":"default","thresholds":[],'
            '"submetrics":null},"metric":"my_c"}\n{"metric":"my_c","type":"Point","data":{"time":'
        )
    )


EXCHANGE = [
    ("http_reqs", 1),
    ("http_req_duration", 1.85),
    ("http_req_blocked", 2),
    ("http_req_connecting", 0),
    ("http_req_tls_handshaking", 0),
    ("http_req_sending", 0.1),
    ("http_req_waiting", 1.5),
    ("http_req_receiving", 0.25),
    ("http_req_failed", 0),
]


@pytest.mark.parametrize("failed", [0, 1, None])
@pytest.mark.parametrize("connecting", [0, 30_000])
def test_an_exchange_is_nine_points(failed: int | None, connecting: int) -> None:
    """Order and values are k6's; the template of later exchanges writes what the first one's points say."""
    encoder = json_lines()
    tags = Tags((("name", "100%s"), ("url", "/%d")))
    phases = (PHASES[0], connecting, *PHASES[2:])
    first = encoder.exchange(tags, AT, phases, failed, ())
    again = encoder.exchange(tags, AT, phases, failed, ())
    points = [json.loads(line) for line in again.splitlines()]
    wanted = dict(EXCHANGE) | {"http_req_connecting": connecting / 1e6, "http_req_failed": failed}
    if failed is None:
        del wanted["http_req_failed"]
    assert [(point["metric"], point["data"]["value"]) for point in points] == list(wanted.items())
    assert {json.dumps(point["data"]["tags"]) for point in points} == {'{"name": "100%s", "url": "/%d"}'}
    assert "".join(line for line in first.splitlines(keepends=True) if '"Point"' in line) == again


def test_metadata_of_an_exchange_stands_in_each_line() -> None:
    """What is metadata does not stand among the tags."""
    text = json_lines().exchange(Tags(()), AT, PHASES, 0, (("iter", "0"), ("vu", "1")))
    assert text.count('"tags":{},"metadata":{"iter":"0","vu":"1"}}}\n') == len(EXCHANGE)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_any_text_may_stand_in_tags(tags: dict[str, str]) -> None:
    """Every line is one line of JSON, whatever the tags hold."""
    encoder = json_lines()
    encoder.exchange(Tags(tuple(tags.items())), AT, PHASES, 0, ())
    text = encoder.exchange(Tags(tuple(tags.items())), AT, PHASES, 0, ()) * 2
    lines = text.split("\n")[:-1]
    assert len(lines) == 2 * len(EXCHANGE)
    assert all(json.loads(line)["data"]["tags"] == tags for line in lines if '"Point"' in line)


def test_separators_are_escaped_as_k6_escapes_them() -> None:
    """U+2028 is an escape, < and & are themselves."""
    line = json_lines().point("my_c", Tags((("z", "<a>&é\u2028\x01\t\\ 日本"),)), AT, 1, ())
    assert '"z":"<a>&é\\u2028\\u0001\\t\\\\ 日本"' in line


def test_csv_columns() -> None:
    """A column per system tag, sorted, without vu and iter; then the other tags, then metadata."""
    encoder = CSVLines(("status", "group", "vu", "iter", "url"), "unix_milli")
    assert encoder.begin() == "metric_name,timestamp,metric_value,group,status,url,extra_tags,metadata\n"
    tags = Tags((("group", "::G"), ("kind", "a"), ("run", 'x&y=z,"q'), ("status", "404")))
    assert encoder.point("my_c", tags, AT, 3, (("iter", "0"), ("vu", "1"))) == (
        'my_c,1795763435193,3.000000,::G,404,,"kind=a&run=x&y=z,""q",iter=0&vu=1\n'
    )
    lines = encoder.exchange(tags, AT, PHASES, 1, ()).splitlines()
    assert [line.split(",")[:3] for line in lines] == [
        [name, "1795763435193", f"{value:.6f}"] for name, value in (*EXCHANGE[:-1], ("http_req_failed", 1))
    ]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("unix", "1795763435"),
        ("unix_micro", "1795763435193004"),
        ("unix_nano", "1795763435193004075"),
        ("rfc3339", "2026-11-27T07:10:35Z"),
        ("rfc3339_nano", "2026-11-27T07:10:35.193004075Z"),
    ],
)
def test_csv_times(form: str, text: str) -> None:
    """Each of k6's six forms of time."""
    assert CSVLines((), form).point("my_c", Tags(()), AT, 1, ()) == f"my_c,{text},1.000000,,\n"


def test_csv_quotes_only_what_needs_it() -> None:
    """Commas, quotes, line ends, a leading space, and a lone backslash with a full stop."""
    fields = ["", "plain", "a&b=c", " lead", "x\ny", 'q"q', "a,b", "\\."]
    assert [quoted(field) for field in fields] == [
        "", "plain", "a&b=c", '" lead"', '"x\ny"', '"q""q"', '"a,b"', '"\\."',
    ]  # fmt: skip


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), min_size=2, max_size=4
    )
)
def test_csv_fields_read_back(fields: list[str]) -> None:
    """A reader of CSV finds the fields that were written."""
    line = ",".join(map(quoted, fields)) + "\n"
    assert next(csv.reader(io.StringIO(line, newline=""))) == fields
