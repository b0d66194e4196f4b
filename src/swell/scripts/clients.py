"""What the HTTP clients of a worker share, made from what the engine gives to a script of either language."""

from swell.engine.script import ScriptRuntime
from swell.net.shared import HTTPShared


def shared_http(runtime: ScriptRuntime) -> HTTPShared:
    """The shared part of all HTTP clients of the worker that ``runtime`` describes."""
    return HTTPShared(
        runtime.options,
        runtime.registry,
        runtime.recorder,
        runtime.errors,
        runtime.log,
        worker_index=runtime.worker_index,
        worker_count=runtime.worker_count,
        env=runtime.env,
        clock=runtime.clock,
    )
