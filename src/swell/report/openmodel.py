"""Service time and response time side by side, where iterations start at a rate (the open model)."""

from typing import Final

from swell.metrics.histogram import Histogram
from swell.metrics.snapshot import Snapshot, TrendValue
from swell.report.ansi import BOLD, CYAN, FAINT, Painter, ellipsised, pad_left
from swell.report.numbers import short_time

_HEADERS: Final = ("p50", "p95", "p99", "max")
_TITLE: Final = ("RESPONSE TIME", "iterations start at a rate")
_SERVICE: Final = ("service time", "sent to last byte")
_EVERY: Final = ("service time", "sent to last byte, of all")
_RESPONSE: Final = ("response time", "due to last byte")


def open_model_table(snapshot: Snapshot, *, width: int = 80, paint: Painter) -> list[str]:
    """Both times of the requests, at most ``width`` cells wide; nothing without open-model requests."""
    response = _trend(snapshot, "http_req_response_time")
    service = _trend(snapshot, "http_req_duration")
    if response is None or service is None:
        return []
    rows = [(_SERVICE if service.count == response.count else _EVERY, _cells(service))]
    rows.append((_RESPONSE, _cells(response)))
    widths = [
        max(len(header), *(len(cells[column]) for _, cells in rows)) for column, header in enumerate(_HEADERS)
    ]
    names = max(len(_TITLE[0]), *(len(name) for (name, _), _ in rows))
    room = width - 2 - names - 2 - sum(widths) - 2 * len(widths)
    texts = max(len(_TITLE[1]), *(len(text) for (_, text), _ in rows))
    shown = min(texts, max(0, room))

    def line(name: str, text: str, cells: list[str]) -> str:
        padded = "  ".join(pad_left(cell, size) for cell, size in zip(cells, widths, strict=True))
        middle = paint(f"{ellipsised(text, shown):<{shown}}", FAINT) if shown else ""
        return f"  {name}{' ' * (names - len(name))}  {middle}  {padded}"

    head = "  ".join(pad_left(header, size) for header, size in zip(_HEADERS, widths, strict=True))
    explained = ellipsised(_TITLE[1], shown) if shown else ""
    lines = [paint(f"  {_TITLE[0]:<{names}}  {explained:<{shown}}  {head}", BOLD)]
    lines += [line(name, text, [paint(cell, CYAN) for cell in cells]) for (name, text), cells in rows]
    return lines


def _trend(snapshot: Snapshot, name: str) -> Histogram | None:
    state = snapshot.metric(name)
    if state is None or not isinstance(state.value, TrendValue) or not state.value.histogram.count:
        return None
    return state.value.histogram


def _cells(histogram: Histogram) -> list[str]:
    return [short_time(value) for value in (*histogram.percentiles((50, 95, 99)), histogram.max)]
