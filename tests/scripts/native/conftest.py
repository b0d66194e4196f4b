"""Scripts written to a folder and run by VUs in this process, on a clock that sleeping moves."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from swell.base.clock import NS_PER_SECOND
from swell.base.errors import Fault
from swell.config.options import Options
from swell.config.scenarios import SharedIterations
from swell.engine.foreground import ForegroundRun, ForegroundRuntime, Measured
from swell.scripts.native.loader import load_script
from swell.scripts.native.script import NativeScript


class SteppingClock:
    """Sleeping is what moves it."""

    def __init__(self) -> None:
        self.at_ns = NS_PER_SECOND

    def now_ns(self) -> int:
        """The instant that the last sleep ended at."""
        return self.at_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Be there at once."""
        self.at_ns = max(self.at_ns, deadline_ns)


class Loaded:
    """A script with what its run in one VU left behind."""

    def __init__(self, script: NativeScript, options: Options | None = None, **settings: int) -> None:
        self.script = script
        self.clock = SteppingClock()
        self.logged: list[str] = []
        self.runtime = ForegroundRuntime(
            options or Options(),
            {"HOME_PAGE": "http://localhost"},
            self.clock,
            log=lambda level, message, _: self.logged.append(f"{level}: {message}"),
            **settings,
        )
        self.run = ForegroundRun(script, self.runtime)

    def iterate(self, function: str = "default", *, scenario: str = "main", **fields: object) -> "Loaded":
        """Run one iteration; raises what it raised."""
        error = self.run.iterate(SharedIterations(name=scenario, exec=function, **fields))
        if error is not None:
            raise error
        return self

    def samples(self, metric: str) -> list[tuple[dict[str, str], float]]:
        """The tags (without scenario and an empty group) and the value of each sample of ``metric``."""
        return [(_own_tags(sample), sample.value) for sample in self.runtime.measured(metric)]

    def value(self, name: str) -> object:
        """A global of the script."""
        return vars(sys.modules["swell_script.script"])[name]


def _own_tags(sample: Measured) -> dict[str, str]:
    tags = {key: value for key, value in sample.tags.items() if key != "scenario"}
    if not tags.get("group"):
        tags.pop("group", None)
    return tags


Write = Callable[..., Path]
Load = Callable[..., NativeScript]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files next to each other: ``write(script, rows_csv=...)``; ``_`` before the suffix is a dot."""

    def write_files(source: str, **files: str | bytes) -> Path:
        for name, content in files.items():
            stem, _, suffix = name.rpartition("_")
            target = tmp_path / f"{stem}.{suffix}"
            target.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        path = tmp_path / "script.py"
        path.write_text(dedent(source))
        return path

    return write_files


@pytest.fixture
def clean_imports() -> Iterator[None]:
    """Take away again what scripts put on ``sys.path`` and into ``sys.modules``."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if name.startswith("swell_script") or "pytest-" in origin:
            del sys.modules[name]


@pytest.fixture
def load(write: Write, clean_imports: None) -> Load:  # for what it does afterwards
    """Load a script from its source."""

    def load_source(
        source: str, *, env: dict[str, str] | None = None, seed: int = 0, **files: str
    ) -> NativeScript:
        sys.modules.pop("swell_script.script", None)
        return load_script(write(source, **files), env or {}, seed)

    return load_source


@pytest.fixture
def start(load: Load) -> Callable[..., Loaded]:
    """Load a script and prepare its one VU."""

    def start_script(
        source: str,
        *,
        options: Options | None = None,
        settings: dict[str, int] | None = None,
        **loading: object,
    ) -> Loaded:
        return Loaded(load(source, **loading), options, **(settings or {}))

    return start_script


@pytest.fixture
def faults(load: Load) -> Callable[..., list[str]]:
    """The faults of a script as lines: place, message and hint."""

    def fault_lines(source: str, **files: str) -> list[str]:
        return [_line(fault) for fault in load(source, **files).exports.faults]

    return fault_lines


def _line(fault: Fault) -> str:
    return f"{fault.place}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "")
