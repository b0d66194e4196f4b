"""The writer's thread: order, credits, faults."""

import gzip
import os
from pathlib import Path

from samples_frames import exchange, frame, mark

from swell.metrics.model import BUILTIN_METRICS
from swell.output.expand import WorkerStream
from swell.output.files import Destination, PlainFile, open_destination
from swell.output.jsonlines import JSONLines
from swell.output.writer import Output, OutputWriter


class Full:
    """A destination on a disk that is full after one write."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        """Take the first text."""
        if self.text:
            raise OSError(28, "No space left on device")
        self.text = text

    def flush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def writer(*destinations: Destination) -> OutputWriter:
    """A writer of JSON lines to ``destinations``."""
    outputs = [
        Output(f"json ({index})", JSONLines(BUILTIN_METRICS.__getitem__, {}), destination)
        for index, destination in enumerate(destinations)
    ]
    return OutputWriter(outputs, lambda encoders: WorkerStream(encoders, 0, ()), {"run": "1"}, 0)


def test_everything_that_was_put_is_written(tmp_path: Path) -> None:
    """Closing waits for the queue; what is written is credited to the worker that sent it."""
    made = writer(PlainFile(tmp_path / "a"))
    made.start()
    sent = frame([(exchange(1), mark(1, 0))] * 100, tag_sets=[()])
    made.put(0, sent)
    made.put(3, sent)
    made.put_gauges(5, {"vus": 2})
    made.close()
    lines = (tmp_path / "a").read_text().splitlines()
    assert sum('"Point"' in line and '"http_reqs"' in line for line in lines) == 200
    assert sum('"vus"' in line and '"tags":{"run":"1"}' in line for line in lines) == 1
    assert made.taken() == {0: sent.size, 3: sent.size}
    assert made.taken() == {}


def test_a_destination_that_fails_is_given_up_and_counted() -> None:
    """The first fault is told once, and the lines that are missing are counted."""
    full = Full()
    made = writer(full)
    made.start()
    for _ in range(3):
        made.put(0, frame([(exchange(1), mark(1, 0))], tag_sets=[()]))
    made.close()
    (output,) = made.outputs
    assert made.faults() == ["the output json (0) cannot be written: No space left on device"]
    # Nine definitions and points; then two exchanges, and definitions and points of the bytes.
    assert full.text.count("\n") == 18
    assert output.lost_lines == 2 * 9 + 4


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    """What a file could take of a text that did not fit is taken back."""
    path = tmp_path / "a"
    file = PlainFile(path)
    file.write("whole\n")
    os.write(file._fd, b"half")
    file._take_back()
    file.close()
    assert path.read_text() == "whole\n"


def test_a_name_that_ends_in_gz_is_compressed(tmp_path: Path) -> None:
    """The file is complete when it is closed."""
    file = open_destination("a.gz", None, tmp_path.joinpath)  # type: ignore[arg-type]
    file.write("one\n")
    file.flush()
    file.write("two\n")
    file.close()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"one\ntwo\n"
