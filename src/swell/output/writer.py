"""The writer: a thread of the coordinator that turns raw samples into lines, so that no hub has to wait.

What is queued is bounded by what workers may send ahead: ``taken`` says how much of a worker's share is
written. A destination that fails is given up with the first fault; what it then lacks is counted.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from swell.base.clock import monotonic_ns
from swell.engine.frames import Samples
from swell.output.encoder import Encoder, Tags
from swell.output.expand import WorkerStream
from swell.output.files import Destination

FLUSH_NS: Final = 200_000_000


@dataclass(slots=True)
class Output:
    """One output at work: ``name`` as in the run's description; ``lost_lines`` were not written."""

    name: str
    encoder: Encoder
    destination: Destination
    fault: str = ""
    lost_lines: int = 0


@dataclass(frozen=True, slots=True)
class _Gauges:
    """Values of the run as a whole."""

    at_ns: int
    values: Mapping[str, float]


class OutputWriter:
    """Writes what workers send to ``outputs``; all methods return at once but ``close``.

    Args:
        outputs: at least one.
        make_stream: makes the expander of one worker.
        run_tags: tags of the samples that belong to no VU.
        offset_ns: wall clock minus monotonic clock.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        make_stream: Callable[[Sequence[Encoder]], WorkerStream],
        run_tags: Mapping[str, str],
        offset_ns: int,
    ) -> None:
        self.outputs = tuple(outputs)
        self._encoders = [output.encoder for output in outputs]
        self._make_stream = make_stream
        self._run_tags = Tags(tuple(sorted(run_tags.items())))
        self._offset_ns = offset_ns
        self._queue: SimpleQueue[tuple[int, Samples] | _Gauges | None] = SimpleQueue()
        self._streams: dict[int, WorkerStream] = {}
        self._taken: dict[int, int] = {}
        self._lock = threading.Lock()
        # Faults that nobody was told of yet.
        self._faults: deque[str] = deque()
        # Set where whoever read an output closed the pipe.
        self.reader_left: BrokenPipeError | None = None
        self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)

    def __repr__(self) -> str:
        return f"<OutputWriter {[output.name for output in self.outputs]}>"

    def start(self) -> None:
        """Write what stands before the samples, and begin."""
        for output in self.outputs:
            self._write(output, output.encoder.begin())
        self._thread.start()

    def put(self, worker: int, frame: Samples) -> None:
        """Queue what ``worker`` sent."""
        self._queue.put((worker, frame))

    def put_gauges(self, at_ns: int, values: Mapping[str, float]) -> None:
        """Queue values of the run as a whole, taken at ``at_ns`` (monotonic)."""
        self._queue.put(_Gauges(at_ns, values))

    def taken(self) -> dict[int, int]:
        """Bytes written for each worker since the last call."""
        if not self._taken:
            return {}
        with self._lock:
            taken, self._taken = self._taken, {}
        return taken

    def faults(self) -> list[str]:
        """What went wrong since the last call, each output's first fault once."""
        found = []
        while self._faults:
            found.append(self._faults.popleft())
        return found

    def close(self) -> None:
        """Write everything that is queued and close the destinations; returns when that is done."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        for output in self.outputs:
            try:
                output.destination.close()
            except OSError as error:
                self._give_up(output, error)

    # The thread.

    def _run(self) -> None:
        flushed_ns = monotonic_ns()
        while True:
            try:
                item = self._queue.get(timeout=FLUSH_NS / 1e9)
            except Empty:
                self._flush()
                flushed_ns = monotonic_ns()
                continue
            if item is None:
                self._write_rest()
                return
            self._take(item)
            if monotonic_ns() - flushed_ns > FLUSH_NS:
                self._flush()
                flushed_ns = monotonic_ns()

    def _take(self, item: tuple[int, Samples] | _Gauges) -> None:
        if isinstance(item, _Gauges):
            at_ns = item.at_ns + self._offset_ns
            for output in self.outputs:
                for name, value in item.values.items():
                    self._write(output, output.encoder.point(name, self._run_tags, at_ns, value, ()))
            return
        worker, frame = item
        stream = self._streams.get(worker)
        if stream is None:
            stream = self._streams[worker] = self._make_stream(self._encoders)
        for output, text in zip(self.outputs, stream.expand(frame), strict=True):
            self._write(output, text)
        with self._lock:
            self._taken[worker] = self._taken.get(worker, 0) + frame.size

    def _write_rest(self) -> None:
        now_ns = monotonic_ns() + self._offset_ns
        for stream in self._streams.values():
            for output, text in zip(self.outputs, stream.rest(self._run_tags, now_ns), strict=True):
                self._write(output, text)

    def _flush(self) -> None:
        for output in self.outputs:
            if not output.fault:
                try:
                    output.destination.flush()
                except OSError as error:
                    self._give_up(output, error)

    def _write(self, output: Output, text: str) -> None:
        if not text:
            return
        if not output.fault:
            try:
                output.destination.write(text)
            except OSError as error:
                self._give_up(output, error)
            else:
                return
        output.lost_lines += text.count("\n")

    def _give_up(self, output: Output, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            self.reader_left = error
        if not output.fault:
            output.fault = error.strerror or str(error)
            self._faults.append(f"the output {output.name} cannot be written: {output.fault}")
