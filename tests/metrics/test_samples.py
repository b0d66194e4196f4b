"""The records and the buffers they are written into."""

from swell.metrics.samples import HTTP, HTTP_FIELDS, SAMPLE, ErrorSeen, ErrorTable, Recorder


def test_records_are_read_as_they_were_written() -> None:
    """Fields in the order of the field tuples."""
    recorder = Recorder(records=4)
    values = tuple(range(len(HTTP_FIELDS)))
    recorder.http(*values)
    recorder.sample(7, 8, 9.5)
    http, samples = recorder.swap()
    assert HTTP.unpack(http) == values
    assert SAMPLE.unpack(samples) == (7, 8, 9.5)


def test_a_full_buffer_is_handed_over() -> None:
    """Either buffer's end hands both over, and nothing is lost or given twice."""
    seen: list[tuple[bytes, bytes]] = []
    recorder = Recorder(lambda http, samples: seen.append((bytes(http), bytes(samples))), records=2)
    for number in range(5):
        recorder.sample(number, 0, 0.0)
    for number in range(3):
        recorder.http(number, *range(11))
    recorder.flush()
    samples = b"".join(part for _, part in seen)
    assert [series for series, _, _ in SAMPLE.iter_unpack(samples)] == [0, 1, 2, 3, 4]
    http = b"".join(part for part, _ in seen)
    assert [record[0] for record in HTTP.iter_unpack(http)] == [0, 1, 2]


def test_swapped_bytes_outlive_the_next_records() -> None:
    """Recording goes on in the other buffers."""
    recorder = Recorder(records=2)
    recorder.sample(1, 0, 0.0)
    _, first = recorder.swap()
    recorder.sample(2, 0, 0.0)
    assert SAMPLE.unpack(first)[0] == 1
    assert SAMPLE.unpack(recorder.swap()[1])[0] == 2


def test_errors_are_counted_by_kind_with_the_first_example() -> None:
    """Draining starts anew."""
    table = ErrorTable()
    table.note(1050, "timeout", "GET", "/", "first")
    table.note(1050, "timeout", "GET", "/", "second")
    table.note(0, "ValueError", "", "default")
    assert table.drain() == [
        ErrorSeen(1050, "timeout", "GET", "/", 2, "first"),
        ErrorSeen(0, "ValueError", "", "default", 1, ""),
    ]
    assert table.drain() == []


def test_ever_new_errors_share_a_row() -> None:
    """A message with an id in it cannot fill the memory."""
    table = ErrorTable()
    for number in range(ErrorTable.LIMIT + 3):
        table.note(1, f"{number}", "GET", "/")
    rows = table.drain()
    assert len(rows) == ErrorTable.LIMIT + 1
    assert rows[-1].count == 3
