"""A loaded native script, as the engine runs it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from swell.base.errors import ConfigError, ExitCode, ScriptError, SwellError
from swell.engine.invariants import Attempt
from swell.engine.script import IterationFunction, ScriptExports, ScriptRuntime
from swell.engine.vu import VU, ControlFlow, VUStopped, current_vu
from swell.metrics.invariants import LedgerState
from swell.net.client import HTTPClient
from swell.net.shared import HTTPShared
from swell.scripts.clients import shared_http
from swell.scripts.native.audit import Audit
from swell.scripts.native.functions import accepts_data
from swell.scripts.native.jsonable import json_faults, plain
from swell.scripts.native.stacks import script_stack, summary_line
from swell.scripts.native.state import VUState, WorkerState


class NativeScript:
    """Implements ``engine.script.Script`` for a Python module."""

    def __init__(
        self,
        exports: ScriptExports,
        functions: Mapping[str, Callable[..., object]],
        hooks: Mapping[str, Callable[..., object] | None],
        audit: Audit,
    ) -> None:
        self.exports = exports
        self._functions = functions
        self._hooks = hooks
        self._audit = audit
        self._worker: WorkerState | None = None
        self._http: HTTPShared | None = None

    @property
    def http(self) -> HTTPShared:
        """What the HTTP clients of this worker share; there from ``prepare`` on."""
        if self._http is None:
            raise RuntimeError("the script is not prepared yet")
        return self._http

    def prepare(self, runtime: ScriptRuntime) -> None:
        """Make what the worker's VUs share. Raises ``ConfigError`` where the script has faults."""
        if self.exports.faults:
            raise ConfigError(self.exports.faults)
        self._worker = WorkerState(runtime)
        self._http = shared_http(runtime)

    def new_vu(self, vu: VU) -> None:
        """Give ``vu`` its HTTP client and the front end's state."""
        if self._worker is None:
            raise RuntimeError("the script is not prepared yet")
        vu.client = HTTPClient(self.http, vu)
        vu.language = VUState(vu, self._worker)

    def iteration(self, vu: VU, function: str, setup_data: bytes | None) -> IterationFunction:
        """The function itself, or with the VU's own copy of the setup data bound to it."""
        target: Callable[..., Any] = self._functions[function]
        if not accepts_data(target):
            return target
        return partial(target, _own_data(vu, setup_data))

    def end_iteration(self, vu: VU) -> None:
        """Reset cookies, the random stream, and what was left open: groups, WebSockets."""
        state: VUState = vu.language
        if state.sockets:
            state.close_sockets()
        vu.client.end_iteration()
        state.random_state = None
        if state.groups:
            state.groups.clear()

    def setup(self, vu: VU) -> bytes | None:
        """Run setup; its value as JSON.

        Raises ``ScriptError`` where it raises, and with k6's exit code for it where it returns other things.
        """
        value = self._call("setup", vu)
        if value is None:
            return None
        problems = json_faults(value, "its value")
        if problems:
            path, problem = problems[0]
            raise ScriptError(
                f"setup() must return JSON values: {path} {problem}",
                hint="return dictionaries with text keys, lists, text, numbers, booleans or None",
                exit_code=ExitCode.OTHER,
            )
        try:
            return msgspec.json.encode(plain(value))
        except (msgspec.MsgspecError, OverflowError, UnicodeEncodeError, RecursionError) as error:
            message = f"setup() must return JSON values: {error}"
            raise ScriptError(message, exit_code=ExitCode.OTHER) from None

    def teardown(self, vu: VU, setup_data: bytes | None) -> None:
        """Run teardown with the setup data, where it takes an argument."""
        self._call("teardown", vu, lambda: _own_data(vu, setup_data))

    def handle_summary(self, vu: VU, summary: bytes) -> Mapping[str, str | bytes] | None:
        """Run handle_summary; None where it wants the default summary (it returned nothing)."""
        value = self._call("handle_summary", vu, lambda: msgspec.json.decode(summary))
        # k6: anything falsy but a map means the default, an empty map means no output at all.
        if not value and not isinstance(value, Mapping):
            return None
        if not isinstance(value, Mapping):
            raise ScriptError(
                f"handle_summary() returned a value of type {type(value).__name__}",
                hint='return a dictionary of destination -> text, such as {"summary.json": ...}',
            )
        wrong = [key for key, content in value.items() if not isinstance(content, str | bytes)]
        if wrong:
            raise ScriptError(
                f"handle_summary() returned neither text nor bytes for {', '.join(map(str, wrong))}",
                hint="turn data into text with json.dumps(data, indent=2)",
            )
        return {str(key): content for key, content in value.items()}

    def take_ledgers(self) -> tuple[bytes, bool]:
        """The next part of what this worker's ledgers hold, and whether it is the last."""
        return self._audit.take()

    def add_ledgers(self, part: bytes) -> None:
        """Merge a part of another worker's ledgers."""
        self._audit.add(part)

    def ledger_states(self) -> tuple[LedgerState, ...]:
        """What the ledgers hold."""
        return self._audit.states()

    def check_invariant(self, vu: VU, number: int, setup_data: bytes | None) -> Attempt:
        """Look once whether the invariant ``number`` holds."""

        def call(function: Callable[..., Any]) -> Any:
            with _running_as(vu):
                return function(_own_data(vu, setup_data)) if accepts_data(function) else function()

        return self._audit.look(number, call)

    def describe_exception(self, error: BaseException) -> str:
        """The script's own stack of ``error``."""
        return script_stack(error)

    def _call(self, hook: str, vu: VU, data: Callable[[], Any] | None = None) -> Any:
        """Call a lifecycle function as ``vu``; what it raises becomes a ``ScriptError``."""
        function = self._hooks.get(hook)
        if function is None:
            return None
        try:
            with _running_as(vu):
                return function(data()) if data is not None and accepts_data(function) else function()
        except VUStopped as error:
            # In an iteration this is no failure; here there is nothing else that could go on.
            raise ScriptError(f"{hook}() was ended: {error}") from None
        except ControlFlow:
            raise
        except Exception as error:
            hint = error.hint if isinstance(error, SwellError) else ""
            raise ScriptError(summary_line(error), stack=script_stack(error), hint=hint) from error


@contextmanager
def _running_as(vu: VU) -> Iterator[None]:
    """Whatever is called in here is called by ``vu``; WebSockets that it leaves open are closed."""
    token = current_vu.set(vu)
    try:
        yield
    finally:
        if vu.language is not None:
            vu.language.close_sockets()
        current_vu.reset(token)


def _own_data(vu: VU, setup_data: bytes | None) -> Any:
    """The VU's copy of the setup data: parsed once, kept from scenario to scenario (k6's rule)."""
    state: VUState = vu.language
    if not state.has_data:
        state.data = msgspec.json.decode(setup_data) if setup_data is not None else None
        state.has_data = True
    return state.data
