"""What a script prints becomes log lines; patching works once and in time."""

import subprocess
import sys

from swell.cli.worker_output import MAX_LINE_CHARACTERS, LineStream

Line = tuple[str, str, str]


def stream(lines: list[Line]) -> LineStream:
    """A stream that keeps its lines."""
    return LineStream(lambda level, text, source: lines.append((level, text, source)), "info", "stdout")


def test_each_complete_line_is_logged() -> None:
    """However print cuts it; an unfinished line waits for its end."""
    lines: list[Line] = []
    out = stream(lines)
    print("a", "b", file=out)
    out.write("c")
    out.write("d\n\ne")
    assert [text for _, text, _ in lines] == ["a b", "cd", ""]
    assert lines[0] == ("info", "a b", "stdout")


def test_an_endless_line_is_cut() -> None:
    """A line without an end does not grow for ever."""
    lines: list[Line] = []
    out = stream(lines)
    out.write("x" * (MAX_LINE_CHARACTERS + 1))
    assert len(lines) == 1
    assert out.writable()
    assert out.encoding == "utf-8"


def test_patching_makes_the_standard_library_cooperative() -> None:
    """In a fresh process: before it nothing of gevent is loaded; after it sleep and sockets are patched."""
    code = (
        "import sys\n"
        "from swell.cli.patching import patch\n"
        "assert 'gevent' not in sys.modules\n"
        "patch()\n"
        "patch()\n"
        "import time, socket\n"
        "from gevent import monkey\n"
        "assert monkey.is_object_patched('time', 'sleep')\n"
        "assert monkey.is_object_patched('socket', 'socket')\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_entry_point_is_not_for_people() -> None:
    """Called by hand it says what to use instead."""
    done = subprocess.run(
        [sys.executable, "-m", "swell.cli.worker"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "use 'swell run'" in done.stderr
