"""The records and the buffers they are written into."""

from swell.metrics.samples import HTTP, HTTP_FIELDS, SAMPLE, ErrorSeen, ErrorTable, Recorder


def test_records_are_read_as_they_were_written() -> None:
    """Fields in the order of the field tuples."""
    recorder = Recorder(records=4)
    values = tuple(range(len(HTTP_FIELDS)))
    recorder.http(*values)
    recorder.sample(7, 8, 9.5)
    http, samples = recorder.take()
    assert HTTP.unpack(http) == values
    assert SAMPLE.unpack(samples) == (7, 8, 9.5)


def test_a_full_recorder_is_handed_over() -> None:
    """As many records as it was made for, of either kind, are handed over; nothing is lost or given twice."""
    seen: list[tuple[bytes, bytes]] = []
    recorder = Recorder(lambda http, samples: seen.append((bytes(http), bytes(samples))), records=2)
    for number in range(5):
        recorder.sample(number, 0, 0.0)
    for number in range(3):
        recorder.http(number, *range(11))
    assert len(seen) == 2
    recorder.flush()
    samples = b"".join(part for _, part in seen)
    assert [series for series, _, _ in SAMPLE.iter_unpack(samples)] == [0, 1, 2, 3, 4]
    http = b"".join(part for part, _ in seen)
    assert [record[0] for record in HTTP.iter_unpack(http)] == [0, 1, 2]


def test_what_was_packed_by_the_caller_is_kept_too() -> None:
    """The hot paths' way in leads to the same records, and ``is_full`` tells them when to flush."""
    recorder = Recorder(records=1)
    recorder.keep_sample(SAMPLE.pack(1, 2, 3.0))
    assert not recorder.is_full
    recorder.keep_http(HTTP.pack(*range(len(HTTP_FIELDS))))
    assert recorder.is_full
    http, samples = recorder.take()
    assert (HTTP.unpack(http)[1], SAMPLE.unpack(samples)) == (1, (1, 2, 3.0))
    assert not recorder.is_full


def test_taken_records_outlive_the_next_ones() -> None:
    """What was taken does not change when recording goes on."""
    recorder = Recorder(records=2)
    recorder.sample(1, 0, 0.0)
    _, first = recorder.take()
    recorder.sample(2, 0, 0.0)
    assert SAMPLE.unpack(first)[0] == 1
    assert SAMPLE.unpack(recorder.take()[1])[0] == 2


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
