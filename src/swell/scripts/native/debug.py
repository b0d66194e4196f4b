"""One iteration of one VU in this process, with every request and response written out."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from swell.base.errors import ScriptError
from swell.engine.foreground import ForegroundRun, ForegroundRuntime, Measured
from swell.engine.vu import ControlFlow, RunAborted
from swell.scripts.native.stacks import script_stack

if TYPE_CHECKING:
    from swell.base.clock import Clock
    from swell.config.options import Options
    from swell.config.scenarios import Scenario
    from swell.net.response import Response
    from swell.scripts.native.script import NativeScript

# Bodies are cut after this many characters: a page, not a download.
BODY_CHARACTERS = 4_000

Write = Callable[[str], None]


def debug_script(
    script: "NativeScript",
    scenario: "Scenario",
    options: "Options",
    env: dict[str, str],
    clock: "Clock",
    *,
    seed: int = 0,
    write: Write,
) -> bool:
    """Run setup, one iteration of ``scenario`` and teardown in the calling greenlet; True if nothing raised.

    ``write`` takes one line or several, without the last newline. The process must be patched for gevent as
    a worker is, if the script's libraries are to run as they do there.

    Raises ``ConfigError`` for the script's faults and ``ScriptError`` where setup or teardown raised.
    """

    def log(level: str, message: str, _fields: Mapping[str, str]) -> None:
        write(f"[{level}] {message}")

    runtime = ForegroundRuntime(options, env, clock, seed=seed, log=log)
    run = ForegroundRun(script, runtime)
    script.http.observers.append(lambda response: write(describe_exchange(response)))
    try:
        if script.exports.has_setup and not options.no_setup:
            write("-- setup()")
            data = run.setup()
            write(f"-- setup() returned {data.decode() if data is not None else 'nothing'}")
        write(f"-- one iteration of scenario {scenario.name}: {scenario.exec}()")
        error = run.iterate(scenario)
        _report_error(error, write)
        if script.exports.has_teardown and not options.no_teardown:
            write("-- teardown()")
            run.teardown()
    except ScriptError as failure:
        write(failure.stack or failure.message)
        raise
    finally:
        run.close()
        for line in describe_samples(runtime.measured()):
            write(line)
    return error is None or (isinstance(error, ControlFlow) and not isinstance(error, RunAborted))


def _report_error(error: BaseException | None, write: Write) -> None:
    if isinstance(error, ControlFlow):
        write(f"-- the iteration ended early: {type(error).__name__}: {error}")
    elif error is not None:
        write(script_stack(error))


# Text


def describe_exchange(response: "Response") -> str:
    """One request and its response as text: ``>`` what was sent, ``<`` what came back."""
    request = response.request
    lines = [f"> {request.method} {request.text}"]
    lines += [f"> {name}: {value}" for name, value in request.headers.items()]
    sent_type = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    sent = _body_text(request.body or b"", sent_type)
    lines += [f"> {line}" for line in ["", *sent] if sent]
    if response.error:
        lines.append(f"< error {response.error_code}: {response.error}")
        return "\n".join(lines)
    timings = response.timings
    lines.append(
        f"< {response.status_code} {response.reason}   {timings.duration:.2f} ms"
        f" (blocked {timings.blocked:.2f}, connecting {timings.connecting:.2f},"
        f" tls {timings.tls_handshaking:.2f}, sending {timings.sending:.2f},"
        f" waiting {timings.waiting:.2f}, receiving {timings.receiving:.2f})"
    )
    lines += [f"< {name}: {value}" for name, value in response.headers.items()]
    got = _body_text(response.content, response.headers.get("content-type", ""))
    lines += [f"< {line}" for line in ["", *got] if got]
    return "\n".join(lines)


def _body_text(body: bytes, content_type: str) -> list[str]:
    if not body:
        return []
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return [f"({len(body)} bytes of {content_type or 'binary data'})"]
    if "json" in content_type:
        # What is no JSON is shown as it came: a wrong content type is what somebody may be looking for.
        with suppress(ValueError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    if len(text) > BODY_CHARACTERS:
        text = f"{text[:BODY_CHARACTERS]}\n({len(text) - BODY_CHARACTERS} more characters)"
    return text.splitlines()


def describe_samples(samples: list[Measured]) -> list[str]:
    """Checks as passed or failed, and custom metrics with their values, one line each."""
    lines = []
    for sample in samples:
        if sample.metric == "checks":
            mark = "passed" if sample.value else "FAILED"
            lines.append(f"check {mark}: {sample.tags.get('check', '')}")
        else:
            lines.append(f"{sample.metric} {sample.value:g}")
    return lines
