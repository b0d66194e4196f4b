"""Times the response parser per response: a repeated head, ever new heads, and httptools for comparison.

python benchmarks/parser.py
"""

import timeit
from collections.abc import Callable
from typing import Any

from swell.net.http1 import ResponseParser

HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 11:36:13 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 66\r\nConnection: keep-alive\r\n"
    b"X-Request-Id: %08d\r\n\r\n"
)
BODY = b"x" * 66
NUMBER = 100_000


def main() -> None:
    """Print the microseconds per response of each way."""
    same = [HEAD % 1 + BODY] * NUMBER
    fresh = [HEAD % number + BODY for number in range(NUMBER)]
    print(f"own parser, repeated head  {_own(same):6.2f} us")
    print(f"own parser, fresh heads    {_own(fresh):6.2f} us")
    httptools = _httptools(same)
    print(f"httptools                  {httptools:6.2f} us" if httptools else "httptools is not installed")


def _own(responses: list[bytes]) -> float:
    parser = ResponseParser()

    def run() -> None:
        for response in responses:
            parser.start(is_head_request=False, discard=False, max_body=1 << 20)
            if not parser.feed(response):
                raise RuntimeError("incomplete")

    return _microseconds(run)


def _httptools(responses: list[bytes]) -> float | None:
    try:
        from httptools import HttpResponseParser  # noqa: PLC0415  # only for the comparison
    except ImportError:
        return None

    class Collected:
        headers: list[tuple[bytes, bytes]]
        body: bytes

        def on_header(self, name: bytes, value: bytes) -> None:
            self.headers.append((name, value))

        def on_body(self, body: bytes) -> None:
            self.body = body

        def on_message_complete(self) -> None:
            self.done = True

    collected: Any = Collected()
    parser = HttpResponseParser(collected)

    def run() -> None:
        for response in responses:
            collected.headers = []
            parser.feed_data(response)

    return _microseconds(run)


def _microseconds(run: Callable[[], None]) -> float:
    return min(timeit.repeat(run, number=1, repeat=3)) / NUMBER * 1e6


if __name__ == "__main__":
    main()
