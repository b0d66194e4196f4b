"""swell: load tests in Python whose numbers are true."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swell.net.response import RequestError as RequestError
    from swell.net.response import Response as Response
    from swell.scripts.native import expect as expect
    from swell.scripts.native import feeder as feeder
    from swell.scripts.native import http as http
    from swell.scripts.native import ws as ws
    from swell.scripts.native.checks import IterationFailed as IterationFailed
    from swell.scripts.native.checks import abort as abort
    from swell.scripts.native.checks import check as check
    from swell.scripts.native.checks import fail as fail
    from swell.scripts.native.checks import group as group
    from swell.scripts.native.checks import sleep as sleep
    from swell.scripts.native.context import context as context
    from swell.scripts.native.environment import MissingVariable as MissingVariable
    from swell.scripts.native.environment import env as env
    from swell.scripts.native.feeder import FeederExhausted as FeederExhausted
    from swell.scripts.native.invariants import invariant as invariant
    from swell.scripts.native.ledger import Ledger as Ledger
    from swell.scripts.native.ledger import ledger as ledger
    from swell.scripts.native.metrics import Counter as Counter
    from swell.scripts.native.metrics import Gauge as Gauge
    from swell.scripts.native.metrics import Rate as Rate
    from swell.scripts.native.metrics import Trend as Trend
    from swell.scripts.native.randomness import random as random
    from swell.scripts.native.scenarios import scenario as scenario
    from swell.scripts.native.scenarios import weighted as weighted
    from swell.scripts.native.socket import Socket as Socket
    from swell.scripts.native.state import ContextError as ContextError
    from swell.scripts.native.threads import blocking as blocking

__version__ = "0.1.0"

# Public name -> its module, imported on first use (PEP 562), so that `import swell` costs next to nothing.
_NATIVE = "swell.scripts.native"
_HOMES = {
    "ContextError": f"{_NATIVE}.state",
    "Counter": f"{_NATIVE}.metrics",
    "FeederExhausted": f"{_NATIVE}.feeder",
    "Gauge": f"{_NATIVE}.metrics",
    "IterationFailed": f"{_NATIVE}.checks",
    "Ledger": f"{_NATIVE}.ledger",
    "MissingVariable": f"{_NATIVE}.environment",
    "Rate": f"{_NATIVE}.metrics",
    "RequestError": "swell.net.response",
    "Response": "swell.net.response",
    "Socket": f"{_NATIVE}.socket",
    "Trend": f"{_NATIVE}.metrics",
    "abort": f"{_NATIVE}.checks",
    "blocking": f"{_NATIVE}.threads",
    "check": f"{_NATIVE}.checks",
    "context": f"{_NATIVE}.context",
    "env": f"{_NATIVE}.environment",
    "expect": _NATIVE,
    "fail": f"{_NATIVE}.checks",
    "feeder": _NATIVE,
    "group": f"{_NATIVE}.checks",
    "http": _NATIVE,
    "invariant": f"{_NATIVE}.invariants",
    "ledger": f"{_NATIVE}.ledger",
    "random": f"{_NATIVE}.randomness",
    "scenario": f"{_NATIVE}.scenarios",
    "sleep": f"{_NATIVE}.checks",
    "weighted": f"{_NATIVE}.scenarios",
    "ws": _NATIVE,
}

__all__ = [
    "ContextError",
    "Counter",
    "FeederExhausted",
    "Gauge",
    "IterationFailed",
    "Ledger",
    "MissingVariable",
    "Rate",
    "RequestError",
    "Response",
    "Socket",
    "Trend",
    "__version__",
    "abort",
    "blocking",
    "check",
    "context",
    "env",
    "expect",
    "fail",
    "feeder",
    "group",
    "http",
    "invariant",
    "ledger",
    "random",
    "scenario",
    "sleep",
    "weighted",
    "ws",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'swell' has no attribute {name!r}")
    value: object = import_module(f"{home}.{name}") if home == _NATIVE else getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
