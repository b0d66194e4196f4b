"""A loaded k6 script, as the engine runs it: a context per VU, made from bytecode."""

import json
from collections.abc import Mapping
from typing import Any, Final

from swell.base.errors import ConfigError, ExitCode, ScriptError, SwellError
from swell.engine.script import IterationFunction, ScriptExports, ScriptRuntime
from swell.engine.vu import VU, RunAborted, current_vu
from swell.net.client import HTTPClient
from swell.net.shared import HTTPShared
from swell.scripts.clients import shared_http
from swell.scripts.k6.engine import JSFailure
from swell.scripts.k6.failure import ScriptThrew, script_threw, threw
from swell.scripts.k6.vuhost import Phase, Shared, VUHost

_DONE, _FAILED = 1, 2
GLOBALS: Final = "swell:lib/globals"
LIFECYCLE: Final = "swell:lib/lifecycle"
# Options that stay as the script wrote them: k6 puts objects in their places that show nothing of them.
_KEPT_OPTIONS: Final = frozenset({"dns", "stages", "systemTags", "thresholds", "tlsAuth"})


class K6Script:
    """Implements ``engine.script.Script`` for a k6 script."""

    # k6 logs every one; so many keep a storm from being all that a worker does.
    same_failures_per_second = 100

    def __init__(self, exports: ScriptExports, shared: Shared) -> None:
        self.exports = exports
        self._shared = shared
        self._http: HTTPShared | None = None
        # What the script's options become in a VU, as JSON; empty where they are as they were written.
        self._changed_options = ""

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
        self._http = shared_http(runtime)
        self._shared.prepare(runtime, self._http)
        own = self._shared.options
        changed = {
            key: value
            for key, value in runtime.options.given.items()
            if key not in _KEPT_OPTIONS and own.get(key) != value
        }
        if changed and own:
            self._changed_options = json.dumps(changed)

    def new_vu(self, vu: VU) -> None:
        """Give ``vu`` its HTTP client and its context, with the script's top level run in it."""
        vu.client = HTTPClient(self.http, vu)
        host = VUHost(self._shared, vu.id)
        host.vu = vu
        vu.language = host
        self._load(host)

    def iteration(self, vu: VU, function: str, setup_data: bytes | None) -> IterationFunction:
        """One call of ``function`` with the VU's own copy of the setup data, and its event loop."""
        return Iteration(self, vu, function, setup_data).run

    def end_iteration(self, vu: VU) -> None:
        """Reset cookies, and forget what was left pending."""
        host: VUHost = vu.language
        loop = host.loop
        if not loop.is_clean:
            loop.clear()
        vu.client.end_iteration()
        if host.is_broken:
            # Its context cannot be trusted any more (out of memory), or still has work of an iteration that
            # was cut short: the VU begins anew.
            self.renew(vu)

    def renew(self, vu: VU) -> None:
        """A new context for ``vu`` in place of its own."""
        old: VUHost = vu.language
        # Whatever brought it down shall not come back to the others of its group.
        host = VUHost(self._shared, vu.id, is_alone=True)
        host.vu = vu
        try:
            self._load(host)
        except ScriptError as error:
            vu.runtime.log("error", error.stack or error.message, source="stacktrace")
            return
        host.phase = old.phase
        vu.language = host
        old.close()

    def _load(self, host: VUHost) -> None:
        load(host)
        if self._changed_options:
            host.context.run(host.context.core["setOptions"], self._changed_options)

    def setup(self, vu: VU) -> bytes | None:
        """Run setup; its value as JSON. Raises ``ScriptError``."""
        host = self._lifecycle("setup", "setup", vu, None)
        return None if host is None else self._setup_value(host)

    def teardown(self, vu: VU, setup_data: bytes | None) -> None:
        """Run teardown with the setup data."""
        self._lifecycle("teardown", "teardown", vu, setup_data)

    def handle_summary(self, vu: VU, summary: bytes) -> Mapping[str, str | bytes] | None:
        """Run handleSummary; None where it wants the default summary."""
        host = self._lifecycle("handleSummary", "summary", vu, summary)
        if host is None:
            if self._shared.has_wrong_summary:
                raise ScriptError("exported identifier handleSummary must be a function")
            return None
        context = host.context
        lifecycle = self._helpers(host)
        shape = json.loads(context.run(lifecycle["summaryShape"]))
        if shape["problem"]:
            # Nothing is written then, as in k6.
            vu.runtime.log("error", "failed to handle the end-of-test summary", error=shape["problem"])
            return {}
        if shape["names"] is None:
            return None
        files: dict[str, str | bytes] = {}
        for index, name in enumerate(shape["names"]):
            content = context.from_js(context.run(lifecycle["summaryContent"], index))
            files[name] = content
        options = vu.runtime.options
        if options.summary_export and not options.new_machine_readable_summary:
            # It has what the script left of its data, as in k6.
            exported = str(context.run(lifecycle["summaryExport"]))
            files |= {options.summary_export: exported} if exported else {}
        return files

    def describe_exception(self, error: BaseException) -> str:
        """The script's own stack of ``error``."""
        return error.stack if isinstance(error, ScriptThrew) else f"{type(error).__name__}: {error}"

    def _setup_value(self, host: VUHost) -> bytes | None:
        context = host.context
        shape = json.loads(context.run(self._helpers(host)["setupValue"]))
        if shape["problem"]:
            raise ScriptError(
                f"setup() returned what cannot be JSON: {shape['problem']}", exit_code=ExitCode.OTHER
            )
        text: str | None = shape["json"]
        return None if text is None else text.encode("utf-8", "surrogatepass")

    def _helpers(self, host: VUHost) -> dict[str, Any]:
        context = host.context
        host.phase = "init"
        context.run(context.core["begin"], LIFECYCLE)
        context.run_jobs()
        return {
            name: context.evaluate(f"globalThis['swell lifecycle'].{name}")
            for name in ("setupValue", "summaryShape", "summaryContent", "summaryData", "summaryExport")
        }

    def _lifecycle(self, name: str, phase: Phase, vu: VU, data: bytes | None) -> VUHost | None:
        """Call a lifecycle function as ``vu``; what it throws becomes a ``ScriptError``."""
        host: VUHost = vu.language
        context = host.context
        if not context.run(context.core["has"], name):
            return None
        token = current_vu.set(vu)
        try:
            if phase == "summary" and data is not None:
                context.run(self._helpers(host)["summaryData"], data.decode())
            elif data is not None:
                context.run(context.core["setData"], data.decode())
            host.phase = phase
            if host.loop.run_until_idle(context.run(context.core["call"], name)) == _FAILED:
                raise context.interruption() or as_script_error(script_threw(host))
        except JSFailure as failure:
            raise as_script_error(threw(failure)) from None
        finally:
            host.loop.clear()
            context.drop_jobs()
            current_vu.reset(token)
        return host


class Iteration:
    """What ``Script.iteration`` gives: bound once per activation, run thousands of times."""

    __slots__ = ("_call", "_function", "_host", "_pending", "_script", "_setup_data", "_step", "_vu")

    def __init__(self, script: K6Script, vu: VU, function: str, setup_data: bytes | None) -> None:
        self._script = script
        self._vu = vu
        self._function = function
        self._setup_data = setup_data
        self._host: VUHost | None = None
        # Bound to the context in ``_activate``: the function, the next job, what the event loop waits for.
        self._call: Any = None
        self._step: Any = None
        self._pending: Any = None

    def run(self) -> None:
        """Run one iteration; raises ``ScriptThrew`` for what it threw, and what interrupts it."""
        vu = self._vu
        host: VUHost = vu.language
        if host is not self._host:
            self._activate(host)
        context = host.context
        loop = host.loop
        is_over = False
        try:
            state = self._call(vu.iteration)
            if state == _DONE and not self._pending:
                step = self._step
                while step():
                    pass
                if loop.is_clean and not context.has_rejections:
                    is_over = True
                    return
            if loop.run_until_idle(state) == _FAILED:
                thrown = context.interruption() or script_threw(host)
                # What it waited for is forgotten at both ends; its timers are told of first (k6).
                is_over = loop.is_clean
                loop.clear()
                raise thrown
            is_over = True
        except JSFailure as failure:
            raise threw(failure) from None
        except context.binding_error as error:
            # Kept in no variable: its traceback holds this frame, and that would hold it.
            raise _of_script(context.failure(error)) from None
        finally:
            if not is_over:
                loop.clear()
                context.run(context.core["reset"])
                # At once: the next one of its group that runs would run them.
                host.is_broken = context.drop_jobs() or host.is_broken
                if host.is_broken:
                    self._host = self._call = self._step = self._pending = None

    def _activate(self, host: VUHost) -> None:
        """Enter the VU into its scenario: environment, phase, and the setup data where it has none yet."""
        vu, context = self._vu, host.context
        host.phase = "iteration"
        # Of an activation before, which the script did not let end it.
        context.interruption()
        core = context.core
        if "setup data" not in host.state:
            host.state["setup data"] = True
            if self._setup_data is not None:
                context.run(core["setData"], self._setup_data.decode("utf-8", "surrogatepass"))
        # An archive's own variables are known here alone; those of the run and the scenario win over them.
        known = self._script._shared.env
        env = {**known, **vu.env}
        context.run(core["setEnvironment"], json.dumps(env) if env != known else "")
        self._host = host
        self._call = context.run(core["bind"], self._function)
        self._step = context.step
        self._pending = host.loop.pending


def _of_script(raised: BaseException) -> BaseException:
    return threw(raised) if isinstance(raised, JSFailure) else raised


def load(host: VUHost) -> None:
    """Run the top level of the script in a context.

    Raises ``ScriptError`` for what it throws and ``SwellError`` where it aborts the run.
    """
    context = host.context
    try:
        for name in (GLOBALS, host.shared.files.main):
            context.run(context.core["load"], name)
            if host.loop.run_until_idle(0) == _FAILED:
                # A module that was cut short rejects its import with an error of the engine's.
                raise context.interruption() or as_script_error(script_threw(host))
        host.loop.clear()
    except JSFailure as failure:
        raise as_script_error(threw(failure)) from None
    except RunAborted as error:
        message = f"test aborted: {error.message}"
        raise SwellError(message, exit_code=ExitCode.SCRIPT_ABORTED, slug="script-aborted") from None


def as_script_error(failure: ScriptThrew) -> ScriptError:
    """What ends a run or its start; a rejected promise has another exit code, as in k6."""
    code = ExitCode.OTHER if failure.is_promise else ExitCode.SCRIPT_EXCEPTION
    return ScriptError(failure.summary, stack=failure.stack.rstrip("\n"), exit_code=code)
