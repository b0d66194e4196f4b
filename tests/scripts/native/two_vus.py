"""Run the functions ``first`` and ``second`` of the script argv[1] in two VUs of one patched process."""

import sys

from swell.cli.patching import patch

patch()

import gevent  # noqa: E402

from swell.config.options import Options  # noqa: E402
from swell.engine.clock import GeventClock  # noqa: E402
from swell.engine.foreground import ForegroundRuntime  # noqa: E402
from swell.engine.vu import VU, current_vu  # noqa: E402
from swell.scripts.native.loader import load_script  # noqa: E402


def main() -> None:
    """Raise what one of the two raised."""
    script = load_script(sys.argv[1], {})
    runtime = ForegroundRuntime(Options(), {}, GeventClock())
    script.prepare(runtime)

    def run(number: int, function: str) -> None:
        vu = VU(number, runtime)
        script.new_vu(vu)
        current_vu.set(vu)
        script.iteration(vu, function, None)()

    vus = [gevent.spawn(run, 1, "first"), gevent.spawn(run, 2, "second")]
    gevent.joinall(vus, raise_error=True)
    passed = sum(sample.value for sample in runtime.measured("checks"))
    print(f"{passed:g} checks passed")  # noqa: T201  # what the test reads


main()
