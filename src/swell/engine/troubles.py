"""Every reason for which a run ends early or fails, in words: what happened, its exit code, what to do."""

from collections.abc import Sequence

from swell.base.clock import NS_PER_SECOND
from swell.base.errors import ExitCode
from swell.config.options import Options
from swell.engine.frames import ScriptFailed
from swell.engine.lifecycle import Cause, Phase
from swell.engine.request import ResolvedPlan
from swell.engine.stacks import blocking_frame
from swell.metrics.invariants import InvariantState

_MIB = 1024 * 1024


def signalled(name: str) -> Cause:
    """A stop signal, by the name that k6 gives it (interrupt, terminated)."""
    article = "an" if name[0] in "aeiou" else "a"
    return Cause(
        ExitCode.EXTERNAL_ABORT,
        f"test run was aborted because swell received {article} '{name}' signal",
        "signal",
    )


def script_aborted(message: str) -> Cause:
    """The script called abort."""
    text = f"test aborted: {message}" if message else "test aborted"
    return Cause(ExitCode.SCRIPT_ABORTED, text, "script-aborted")


def marked_failed(message: str) -> Cause:
    """The script marked the run as failed."""
    text = f"test run was marked as failed: {message}" if message else "test run was marked as failed"
    return Cause(ExitCode.MARKED_FAILED, text, "marked-failed")


def thresholds_abort(metrics: Sequence[str]) -> Cause:
    """A threshold with abortOnFail was crossed."""
    return Cause(
        ExitCode.THRESHOLDS_FAILED,
        f"thresholds on metrics '{', '.join(metrics)}' were crossed; at least one has abortOnFail enabled, "
        "stopping test prematurely",
        "thresholds",
    )


def thresholds_crossed(metrics: Sequence[str]) -> Cause:
    """Thresholds are not met at the end."""
    return Cause(
        ExitCode.THRESHOLDS_FAILED,
        f"thresholds on metrics '{', '.join(metrics)}' have been crossed",
        "thresholds",
    )


def invariants_broken(states: Sequence[InvariantState]) -> Cause | None:
    """Invariants of the target do not hold, or nobody could see whether they do; None where all hold."""
    parts = []
    for status, what in (("broken", "do not hold"), ("unchecked", "could not be checked")):
        names = [f"'{state.name}'" for state in states if state.status == status]
        if names:
            parts.append(
                f"{', '.join(names)} {what if len(names) > 1 else what.replace('do not', 'does not')}"
            )
    if not parts:
        return None
    return Cause(ExitCode.INVARIANT_BROKEN, f"invariants: {'; '.join(parts)}", "invariants")


def script_failed(frame: ScriptFailed, options: Options | None) -> Cause:
    """The script raised outside of iterations, or took too long there."""
    if frame.aborted:
        return script_aborted(frame.message)
    if frame.timed_out and frame.stage == "invariants":
        return _unanswered(frame.stage, "")
    if frame.timed_out:
        return _timed_out(frame.stage, options, "")
    return Cause(ExitCode(frame.exit_code), frame.message, frame.slug, hint=frame.hint, stack=frame.stack)


def worker_lost(worker: int, how: str, last_words: str) -> Cause:
    """A worker process ended by itself."""
    words = f"; its last words: {last_words}" if last_words else ""
    hint = (
        "the system kills processes when memory runs out (see its log); --max-memory ends a run before that"
        if "SIGKILL" in how
        else "the results up to then are kept"
    )
    return Cause(ExitCode.WORKER_LOST, f"worker {worker} {how}{words}", "worker-lost", hint=hint)


def worker_hung(worker: int, stuck_ns: int, stack: str, script_path: str) -> Cause:
    """A worker's hub has not turned for too long."""
    frame = blocking_frame(stack, script_path)
    where = f", held by {frame}" if frame else "; where is not known, as the process does not answer at all"
    return Cause(
        ExitCode.WORKER_HUNG,
        f"worker {worker} has been stuck for {stuck_ns / NS_PER_SECOND:.1f} s{where}",
        "worker-hung",
        hint="code that computes for long or blocks in C holds up all virtual users of its worker: run it "
        "through swell.blocking(), or raise the hang timeout",
    )


def memory_exceeded(used: int, limit: int) -> Cause:
    """All workers together use more memory than the user allows."""
    return Cause(
        ExitCode.MEMORY_LIMIT,
        f"the workers use {used / _MIB:.0f} MiB of memory; --max-memory allows {limit / _MIB:.0f} MiB",
        "memory-limit",
        hint="lower the number of virtual users, discard response bodies, or raise the limit",
    )


def late(phase: Phase, worker: int, stack: str, script_path: str, plan: ResolvedPlan | None) -> Cause:
    """A worker did not answer before the deadline of ``phase``, not even to say that time was up."""
    frame = blocking_frame(stack, script_path)
    where = f" (it was at {frame})" if frame else ""
    options = plan.options if plan is not None else None
    match phase:
        case Phase.SETUP:
            return _timed_out("setup", options, where)
        case Phase.INVARIANTS:
            return _unanswered("invariants", where)
        case Phase.TEARDOWN:
            return _timed_out("teardown", options, where)
        case Phase.SUMMARY:
            return _timed_out("handle_summary", options, where)
        case Phase.STOPPING:
            return Cause(
                ExitCode.WORKER_HUNG,
                f"worker {worker} did not stop in time and was killed{where}",
                "worker-hung",
            )
        case _:
            doing = "load the script" if phase is Phase.LOADING else "make its virtual users"
            return Cause(
                ExitCode.GENERIC_TIMEOUT,
                f"worker {worker} took too long to {doing}{where}",
                "init-timeout",
            )


def _unanswered(stage: str, where: str) -> Cause:
    hint = "give the invariant a longer timeout, or have one attempt do less"
    return Cause(ExitCode.GENERIC_TIMEOUT, f"checking the {stage} took too long{where}", "timeout", hint=hint)


def _timed_out(stage: str, options: Options | None, where: str) -> Cause:
    options = options or Options()
    code, timeout_ns = {
        "setup": (ExitCode.SETUP_TIMEOUT, options.setup_timeout_ns),
        "teardown": (ExitCode.TEARDOWN_TIMEOUT, options.teardown_timeout_ns),
    }.get(stage, (ExitCode.GENERIC_TIMEOUT, options.handle_summary_timeout_ns))
    seconds = f"{timeout_ns / NS_PER_SECOND:g}"
    hint = f"raise {stage}_timeout, or have {stage} do less"
    return Cause(code, f"{stage}() execution timed out after {seconds} seconds{where}", "timeout", hint=hint)
