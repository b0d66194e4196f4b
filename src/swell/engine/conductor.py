"""Decides what happens in a run: frames, deaths, signals and time in; frames and kills out. Owns no socket.

It applies the table in ``lifecycle``: ``_apply`` is the only place where the phase changes, and each phase
has one method that begins it. A beginning that finds nothing to do returns the next event at once.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.config.options import Options
from swell.engine import frames, troubles
from swell.engine.lifecycle import BEFORE_RUN, TRANSITIONS, Cause, Event, Phase
from swell.engine.port import Port, WorkerView
from swell.engine.request import ResolvedPlan, RunListener, RunRequest
from swell.engine.results import RunResults
from swell.engine.settlement import Settlement
from swell.engine.sizing import worker_count
from swell.metrics.snapshot import Snapshot

if TYPE_CHECKING:
    from swell.config.scenarios import Scenario
    from swell.engine.script import ScriptExports

# The start lies this far ahead, so that each worker knows it before it comes.
START_LEAD_NS = 5 * NS_PER_MS
START_LEAD_PER_WORKER_NS = 5 * NS_PER_MS
# To say that a time-out was exceeded: a second is the function's, to end, the rest a busy machine's.
ANSWER_NS = 3 * NS_PER_SECOND
# From a stop to the end of all iterations; interrupting takes milliseconds, so more means a stuck hub.
STOP_NS = 3 * NS_PER_SECOND
LEAVE_NS = 2 * NS_PER_SECOND
# A worker without a heartbeat holds the interpreter lock, is stopped, or is starved.
SILENCE_NS = 2 * NS_PER_SECOND
# A round (one delta of each worker) that is not complete by then is shown without the late ones.
ROUND_NS = 1500 * NS_PER_MS
# Interrupting may not free memory at once; beyond this multiple of the limit there is no time to be kind.
MEMORY_KILL_FACTOR = 1.5


class Conductor:
    """One run from loading to its end. ``now_ns`` is always the present on the monotonic clock."""

    def __init__(self, request: RunRequest, port: Port, listener: RunListener, now_ns: int) -> None:
        self.request = request
        self.phase = Phase.LOADING
        self.cause: Cause | None = None
        self.results = RunResults(request.path, request.language)
        self.summary_files: dict[str, bytes] | None = None
        self.exports: ScriptExports | None = None
        self._port = port
        self._settlement = Settlement(port)
        self._listener = listener
        self._now_ns = now_ns
        self._workers: dict[int, WorkerView] = {0: WorkerView(heard_ns=now_ns)}
        self._plan: ResolvedPlan | None = None
        self._setup_done = False
        self._setup_data: bytes | None = None
        self._deadline_ns: int | None = now_ns + request.init_timeout_ns
        self._round_due_ns: int | None = None
        self._running_since_ns = now_ns
        self._waiting_scenarios: dict[str, Scenario] = {}
        self._signals = 0
        self._ended_early = False
        self._begin: dict[Phase, Callable[[], Event | None]] = {
            Phase.INITIALIZING: self._begin_initializing,
            Phase.SETUP: self._begin_setup,
            Phase.RUNNING: self._begin_running,
            Phase.STOPPING: self._begin_stopping,
            Phase.INVARIANTS: self._begin_invariants,
            Phase.TEARDOWN: self._begin_teardown,
            Phase.SUMMARY: self._begin_summary,
            Phase.LEAVING: self._begin_leaving,
            Phase.OVER: self._begin_over,
        }
        self._handlers: dict[type, Callable[[int, Any], None]] = {
            frames.Loaded: self._on_loaded,
            frames.ScriptFailed: self._on_script_failed,
            frames.Ready: self._on_ready,
            frames.SetupDone: self._on_setup_done,
            frames.Progress: self._on_progress,
            frames.LogLine: self._on_log_line,
            frames.Samples: self._on_samples,
            frames.ScenarioDone: self._on_scenario_done,
            frames.AbortRequested: self._on_abort_requested,
            frames.MarkedFailed: self._on_marked_failed,
            frames.Finished: self._on_finished,
            frames.LedgerPart: self._settlement.on_part,
            frames.LedgersAdded: lambda _worker, _frame: self._settlement.on_added(),
            frames.InvariantsChecked: self._on_invariants_checked,
            frames.TeardownDone: self._on_teardown_done,
            frames.SummaryHandled: self._on_summary_handled,
            frames.Heartbeat: self._on_heartbeat,
            frames.Bye: self._on_bye,
        }

    def __repr__(self) -> str:
        return f"<Conductor {self.phase} workers={len(self._workers)} cause={self.cause}>"

    @property
    def is_over(self) -> bool:
        """Whether the run is over and every worker may be closed."""
        return self.phase is Phase.OVER

    @property
    def plan(self) -> ResolvedPlan | None:
        """The resolved plan, once it is known."""
        return self._plan

    # What happens.

    def start(self, now_ns: int) -> None:
        """Have worker 0, which is spawned already, load the script."""
        self._now_ns = now_ns
        self._listener.on_phase(self.phase)
        self._port.send(0, self.request.load_frame())

    def frame(self, worker: int, frame: frames.Up, now_ns: int) -> None:
        """A frame has come from ``worker``."""
        self._now_ns = now_ns
        if not self._workers[worker].is_alive and not isinstance(frame, frames.ALWAYS_HEARD):
            return
        handler = self._handlers.get(type(frame))
        if handler is not None:
            handler(worker, frame)

    def worker_ended(self, worker: int, how: str, last_words: str, now_ns: int) -> None:
        """The process is gone; ``how`` says in words how it ended."""
        self._now_ns = now_ns
        view = self._workers[worker]
        if not view.is_alive:
            return
        view.is_alive = False
        self.results.forget(worker)
        if self.phase is not Phase.LEAVING:
            self._blame(troubles.worker_lost(worker, how, last_words), repeat=True)
            self.results.lose(worker)
        self._advance_without(worker)

    def signal(self, name: str, now_ns: int) -> None:
        """A stop signal: the first ends the run in order, the second at once."""
        self._now_ns = now_ns
        self._signals += 1
        self._blame(troubles.signalled(name))
        self._apply(Event.STOP if self._signals == 1 else Event.KILL)

    def time(self, now_ns: int) -> None:
        """Time has passed: look at deadlines, silent workers and the round."""
        self._now_ns = now_ns
        if self._deadline_ns is not None and now_ns >= self._deadline_ns:
            self._on_deadline()
        if self.phase in {Phase.RUNNING, Phase.STOPPING}:
            for index, view in self._living():
                if not view.is_finished:
                    self._check_hang(index, view)
        if self._round_due_ns is not None and now_ns >= self._round_due_ns:
            self._end_round()
        if self.phase in {Phase.SETUP, Phase.TEARDOWN} and (idle := self.results.sample_idle(now_ns)):
            self._listener.on_gauges(now_ns, idle)
        for index, size in self._listener.samples_taken().items():
            self._port.send(index, frames.SamplesTaken(size))
        self._listener.on_tick(now_ns)

    # The phases.

    def _apply(self, event: Event) -> None:
        pending: Event | None = event
        while pending is not None:
            phase = TRANSITIONS.get((self.phase, pending))
            if phase is None:
                return
            self.phase = phase
            self._deadline_ns = None
            self._listener.on_phase(phase)
            pending = self._begin[phase]()

    def _begin_initializing(self) -> Event | None:
        plan = self._plan = self.request.resolve(self._script)
        options = plan.options
        count = worker_count(options.workers, plan.scenarios)
        self._deadline_ns = self._now_ns + self.request.init_timeout_ns
        self.results.plan(plan, count, self._seed)
        self._listener.on_plan(plan, count)
        self._waiting_scenarios = {s.name: s for s in plan.scenarios if s.after is not None}
        for index in range(count):
            if index > 0:
                self._workers[index] = WorkerView(heard_ns=self._now_ns)
                self._port.spawn(index)
                self._port.send(index, self.request.load_frame())
            self._port.send(index, frames.Plan(options, plan.scenarios, index, count, self._seed, plan.rules))
        return None

    def _begin_setup(self) -> Event | None:
        if not self._script.has_setup or self._options.no_setup:
            self._setup_done = True
            return Event.DONE
        self.results.begin(self._now_ns)
        self._deadline_ns = self._now_ns + self._options.setup_timeout_ns + ANSWER_NS
        self._port.send(0, frames.RunSetup())
        return None

    def _begin_running(self) -> Event | None:
        at_ns = self._now_ns + START_LEAD_NS + START_LEAD_PER_WORKER_NS * (len(self._workers) - 1)
        self.results.start(at_ns, self._setup_data)
        self._round_due_ns = at_ns + NS_PER_SECOND + ROUND_NS
        self._running_since_ns = self._now_ns
        for index, view in self._living():
            view.heard_ns = self._now_ns
            self._port.send(index, frames.Start(at_ns, self._setup_data))
        return None

    def _begin_stopping(self) -> Event | None:
        self._ended_early = True
        self._deadline_ns = self._now_ns + STOP_NS
        reason = self.cause.message if self.cause else "stopped"
        for index, view in self._living():
            if not view.is_finished:
                self._port.send(index, frames.Stop(reason))
        return Event.DONE if self._all(lambda view: view.is_finished) else None

    def _begin_invariants(self) -> Event | None:
        self._round_due_ns = None
        self.results.finish(self._now_ns)
        plans = self._script.invariants if self.results.has_ended_scenarios else ()
        longest_ns = self._settlement.begin(plans, self._setup_data, self._workers)
        if not longest_ns:
            return Event.DONE
        self.results.pause(self._now_ns)
        self._deadline_ns = self._now_ns + longest_ns + ANSWER_NS
        return None

    def _begin_teardown(self) -> Event | None:
        self._settlement.end()
        self.results.settle(self._settlement.invariants, self._settlement.ledgers, self._now_ns)
        broken = troubles.invariants_broken(self._settlement.invariants)
        if broken is not None:
            self._blame(broken)
        self.results.finish(self._now_ns)
        wanted = self._setup_done and self._script.has_teardown and not self._options.no_teardown
        if not wanted or not self._workers[0].is_alive:
            if wanted:
                self._log("warning", "teardown was not run: worker 0, which runs it, is gone")
            return Event.DONE
        self._deadline_ns = self._now_ns + self._options.teardown_timeout_ns + ANSWER_NS
        self._port.send(0, frames.RunTeardown(self._setup_data))
        return None

    def _begin_summary(self) -> Event | None:
        self.results.finish(self._now_ns)
        failed = self.results.judge(self._now_ns, final=True, whole=not self._ended_early)
        crossed = sorted({result.metric for result in failed})
        if crossed:
            self._blame(troubles.thresholds_crossed(crossed))
        # k6's rule: with the summary disabled handle_summary is not called.
        wanted = self._script.has_handle_summary and self._options.summary_mode != "disabled"
        if not wanted or not self._workers[0].is_alive:
            return Event.DONE
        self._deadline_ns = self._now_ns + self._options.handle_summary_timeout_ns + ANSWER_NS
        self._port.send(0, frames.RunHandleSummary(self.request.make_summary(self.snapshot())))
        return None

    def _begin_leaving(self) -> Event | None:
        self._deadline_ns = self._now_ns + LEAVE_NS
        for index, _ in self._living():
            if not self._workers[index].is_ready:
                # It may be busy loading the script and would not read the frame.
                self._kill(index)
            else:
                self._port.send(index, frames.Exit())
        return None if any(True for _ in self._living()) else Event.DONE

    def _begin_over(self) -> Event | None:
        for index, _ in self._living():
            self._kill(index)
        return None

    # What workers say.

    def _on_loaded(self, worker: int, frame: frames.Loaded) -> None:
        if worker == 0 and self.phase is Phase.LOADING:
            self.exports = frame.exports
            self._apply(Event.DONE)

    def _on_ready(self, worker: int, _frame: frames.Ready) -> None:
        self._workers[worker].is_ready = True
        if self.phase is Phase.INITIALIZING and self._all(lambda view: view.is_ready):
            self._apply(Event.DONE)

    def _on_script_failed(self, worker: int, frame: frames.ScriptFailed) -> None:
        cause = troubles.script_failed(frame, self._plan.options if self._plan else None)
        if frame.stage != "handle_summary" or frame.timed_out:
            self._blame(cause, repeat=True)
        else:
            # It costs the custom summary only: the default one is shown, as in k6.
            text = frame.stack or "; ".join(part for part in (cause.message, cause.hint) if part)
            self._log("error", text, worker, source="stacktrace", hint="script exception")
        self._apply(Event.FAILED if self.phase is not Phase.RUNNING else Event.STOP)

    def _on_setup_done(self, _worker: int, frame: frames.SetupDone) -> None:
        self._setup_done = True
        self._setup_data = frame.data
        if self.phase is Phase.SETUP:
            self._apply(Event.DONE)

    def _on_progress(self, worker: int, frame: frames.Progress) -> None:
        self.results.add(worker, frame, self._now_ns)
        if self.phase is not Phase.RUNNING:
            return
        failed = self.results.judge(self._now_ns, final=False)
        if any(result.aborted for result in failed):
            self._blame(troubles.thresholds_abort(sorted({result.metric for result in failed})))
            self._apply(Event.STOP)
            return
        if not frame.final:
            self._workers[worker].owes_delta = False
            if not any(view.owes_delta for _, view in self._living() if not view.is_finished):
                self._end_round()

    def _on_samples(self, worker: int, frame: frames.Samples) -> None:
        if self.phase not in {Phase.SUMMARY, Phase.LEAVING}:  # what handle_summary does is not measured (k6)
            self._listener.on_samples(worker, frame)

    def _on_log_line(self, worker: int, frame: frames.LogLine) -> None:
        self._listener.on_log(frame, worker)

    def _on_scenario_done(self, worker: int, frame: frames.ScenarioDone) -> None:
        self._workers[worker].scenarios_done.add(frame.name)
        self._release_scenarios(frame.name)

    def _on_abort_requested(self, _worker: int, frame: frames.AbortRequested) -> None:
        self._blame(troubles.script_aborted(frame.message))
        self._apply(Event.STOP)

    def _on_marked_failed(self, _worker: int, frame: frames.MarkedFailed) -> None:
        self._blame(troubles.marked_failed(frame.message), repeat=True)

    def _on_finished(self, worker: int, _frame: frames.Finished) -> None:
        self._workers[worker].is_finished = True
        if self.phase in {Phase.RUNNING, Phase.STOPPING} and self._all(lambda view: view.is_finished):
            self._apply(Event.DONE)

    def _on_invariants_checked(self, _worker: int, frame: frames.InvariantsChecked) -> None:
        self._settlement.on_checked(frame)
        if self.phase is Phase.INVARIANTS:
            self._apply(Event.DONE)

    def _on_teardown_done(self, _worker: int, _frame: frames.TeardownDone) -> None:
        if self.phase is Phase.TEARDOWN:
            self._apply(Event.DONE)

    def _on_summary_handled(self, _worker: int, frame: frames.SummaryHandled) -> None:
        if self.phase is Phase.SUMMARY:
            self.summary_files = frame.files
            self._apply(Event.DONE)

    def _on_heartbeat(self, worker: int, frame: frames.Heartbeat) -> None:
        view = self._workers[worker]
        view.heard_ns = self._now_ns
        view.hub_age_ns = frame.hub_age_ns
        view.stack = frame.stack
        view.rss_bytes = frame.rss_bytes
        self._check_memory()

    def _on_bye(self, worker: int, _frame: frames.Bye) -> None:
        # Its connection is all that mattered; the process is ended and reaped with the rest.
        self._workers[worker].is_alive = False
        if self.phase is Phase.LEAVING and not any(True for _ in self._living()):
            self._apply(Event.DONE)

    # What goes wrong.

    def _check_hang(self, worker: int, view: WorkerView) -> None:
        limit_ns = self._options.hang_timeout_ns
        # A heartbeat may tell of the time before the start, when loading was allowed to take long.
        stuck_ns = min(view.hub_age_ns, self._now_ns - self._running_since_ns)
        silent_ns = self._now_ns - view.heard_ns
        if stuck_ns <= limit_ns and silent_ns <= limit_ns + SILENCE_NS:
            return
        cause = troubles.worker_hung(worker, max(stuck_ns, silent_ns), view.stack, self.request.path)
        self._blame(cause, repeat=True)
        self.results.lose(worker)
        self._kill(worker)
        self._advance_without(worker)

    def _check_memory(self) -> None:
        limit = self._options.max_memory_bytes if self._plan is not None else 0
        if limit <= 0 or self.phase in {Phase.LEAVING, Phase.OVER}:
            return
        used = sum(view.rss_bytes for _, view in self._living())
        if used <= limit:
            return
        self._blame(troubles.memory_exceeded(used, limit))
        if self.phase in BEFORE_RUN:
            self._apply(Event.STOP)
        elif used > limit * MEMORY_KILL_FACTOR:
            for index, _ in self._living():
                self.results.lose(index)
                self._kill(index)
                self._advance_without(index)
        else:
            self._apply(Event.STOP)

    def _on_deadline(self) -> None:
        late = [index for index, view in self._living() if view.owes_answer(self.phase, index)]
        for index in late:
            view = self._workers[index]
            cause = troubles.late(self.phase, index, view.stack, self.request.path, self._plan)
            self._blame(cause, repeat=True)
            if self.phase is Phase.STOPPING:
                self.results.lose(index)
            self._kill(index)
        self._apply(Event.LATE)

    def _advance_without(self, worker: int) -> None:
        """Go on after the death of ``worker``: nobody may wait for it."""
        view = self._workers[worker]
        view.is_finished = True
        for name in list(self._waiting_scenarios):
            self._release_scenarios(self._waiting_scenarios[name].after or "")
        match self.phase:
            case Phase.LEAVING:
                if not any(True for _ in self._living()):
                    self._apply(Event.DONE)
            case Phase.STOPPING:
                if self._all(lambda view: view.is_finished):
                    self._apply(Event.DONE)
            case Phase.INVARIANTS | Phase.TEARDOWN | Phase.SUMMARY:
                if worker == 0:
                    self._apply(Event.FAILED)
                else:
                    self._settlement.without(worker)
            case _:
                self._apply(Event.STOP)

    # Helpers.

    @property
    def _options(self) -> Options:
        if self._plan is None:
            raise RuntimeError("the plan is not known yet")
        return self._plan.options

    @property
    def _script(self) -> "ScriptExports":
        if self.exports is None:
            raise RuntimeError("the script is not loaded yet")
        return self.exports

    @property
    def _seed(self) -> int:
        named = self._plan.options.seed if self._plan is not None else 0
        return named or self.request.seed

    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        return self.results.snapshot(self._now_ns, self.cause, self.phase, ended_early=self._ended_early)

    def _living(self) -> Iterator[tuple[int, WorkerView]]:
        return ((index, view) for index, view in list(self._workers.items()) if view.is_alive)

    def _all(self, condition: Callable[[WorkerView], bool]) -> bool:
        return all(condition(view) for _, view in self._living())

    def _blame(self, cause: Cause, *, repeat: bool = False) -> None:
        """The first cause is the run's, an abort before a mark; ``repeat`` logs what nothing else tells."""
        if self.cause is None or (self.cause.slug, cause.slug) == ("marked-failed", "script-aborted"):
            self.cause = cause
        elif repeat and cause != self.cause:
            self._log("error", cause.message)

    def _kill(self, worker: int) -> None:
        self._workers[worker].is_alive = False
        self.results.forget(worker)
        self._port.kill(worker)

    def _log(self, level: str, message: str, worker: int = -1, **fields: str) -> None:
        self._listener.on_log(frames.LogLine(level, message, fields), worker)

    def _release_scenarios(self, ended: str) -> None:
        """Start the scenarios that wait for ``ended``, if it is over in all workers."""
        if self.phase is not Phase.RUNNING or not self._all(lambda view: ended in view.scenarios_done):
            return
        at_ns = self._now_ns + START_LEAD_NS + START_LEAD_PER_WORKER_NS * (len(self._workers) - 1)
        for name, scenario in list(self._waiting_scenarios.items()):
            if scenario.after == ended:
                del self._waiting_scenarios[name]
                self.results.start_scenario(scenario, at_ns)
                for index, _ in self._living():
                    self._port.send(index, frames.StartScenario(name, at_ns))

    def _end_round(self) -> None:
        """All workers have reported a second, or it is too late to wait: sample the gauges and show it."""
        self._round_due_ns = self._now_ns + NS_PER_SECOND + ROUND_NS
        for view in self._workers.values():
            view.owes_delta = True
        self._listener.on_gauges(self._now_ns, self.results.sample_gauges(self._now_ns))
        self._listener.on_snapshot(self.snapshot())
