"""A machine that others use is recognised, and its rows are not called calm."""

import os
from pathlib import Path

import msgspec
import pytest

from swell.doctor.accuracy import Reading, Setting
from swell.doctor.starving import Cores, of_most, starved_by
from swell.testing.calibration import Taken

CALM = Setting("http", "calm", "fixed", 1000, 6, pause_s=0.5)
SATURATED = Setting("http", "saturated", "fixed", 1000, 6, burn_us=150)
TIMES = (10.0, 10.0, 10.0)
ON_TIME = Taken(50, TIMES, TIMES, TIMES, late=(0.0, 0.1, 0.2))
WELL = Reading(50, {"duration": TIMES}, 0.3, verdict="trusted", others=0.02)


def test_a_quiet_machine_starves_nobody() -> None:
    """Server on time, cores free, a trusted generator: nothing to say, calm or saturated."""
    assert starved_by(CALM, ON_TIME, WELL) == {}
    assert starved_by(SATURATED, ON_TIME, msgspec.structs.replace(WELL, cpu_share=0.99)) == {}


@pytest.mark.parametrize(
    ("late_ms", "changes", "kind", "said"),
    [
        (6_000.0, {}, "server", "5 % of its answers 6e+03 ms or more late (limit 10 ms)"),
        (0.1, {"others": 0.9}, "others", "other programs took 0.90 cores' work (limit 0.25)"),
        (0.1, {"verdict": "degraded", "reasons": ("hub-lag",)}, "verdict", "is degraded: hub-lag"),
        (0.1, {"cpu_share": 0.95}, "cpu", "the generator's core was at 95%, which is not calm (limit 80%)"),
    ],
)
def test_each_sign_is_said_with_its_value(
    late_ms: float, changes: dict[str, object], kind: str, said: str
) -> None:
    """One sign is enough, and it names what was measured and the limit."""
    done = msgspec.structs.replace(ON_TIME, late=(0.0, late_ms, late_ms))
    found = starved_by(CALM, done, msgspec.structs.replace(WELL, **changes))
    assert list(found) == [kind]
    assert said in found[kind]


def test_a_generator_that_its_script_saturates_is_not_starved() -> None:
    """It stands still at times, which is what the state is for; others at work are seen all the same."""
    busy = msgspec.structs.replace(WELL, verdict="degraded", reasons=("hub-lag",), cpu_share=1.0)
    assert starved_by(SATURATED, ON_TIME, busy) == {}
    assert list(starved_by(SATURATED, ON_TIME, msgspec.structs.replace(busy, others=0.9))) == ["others"]


def test_a_generator_without_a_verdict_may_be_busy() -> None:
    """A tool that needs its whole core for a calm load shows what it is: the machine is not to blame."""
    peer = Reading(50, {"duration": TIMES}, 0.99, others=0.02)
    assert starved_by(CALM, ON_TIME, peer) == {}


def test_what_the_kernel_does_not_tell_is_no_sign() -> None:
    """Without /proc/stat nothing is known of others."""
    assert starved_by(CALM, ON_TIME, msgspec.structs.replace(WELL, others=None)) == {}


def test_of_several_rounds_half_must_be_starved() -> None:
    """One starved round of three bends no median; two do."""
    assert of_most([{"others": "a"}, {}, {}]) == ()
    assert of_most([{"others": "a"}, {}, {"others": "b"}]) == ("b",)
    assert of_most([{"others": "a", "server": "c"}]) == ("a", "c")


def test_work_is_counted_on_usable_cores_without_interrupts(tmp_path: Path) -> None:
    """User, nice, system and stolen time of the cores that this process may use, in seconds."""
    usable = sorted(os.sched_getaffinity(0))
    lines = ["cpu  9 9 9 9 9 9 9 9 0 0", *(f"cpu{core} 100 20 30 999 999 999 999 50 0 0" for core in usable)]
    lines.append(f"cpu{max(usable) + 1} 777 777 777 777 777 777 777 777 0 0")
    stat = tmp_path / "stat"
    stat.write_text("\n".join(lines) + "\n")
    assert Cores(stat).busy_s() == pytest.approx(len(usable) * 200 / os.sysconf("SC_CLK_TCK"))


def test_a_kernel_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Neither a missing file nor one without those lines is."""
    assert Cores(tmp_path / "none").busy_s() is None
    (tmp_path / "stat").write_text("intr 0\n")
    assert Cores(tmp_path / "stat").busy_s() is None


def test_the_running_system_is_read() -> None:
    """The real file has the lines of our cores."""
    before = Cores().busy_s()
    assert before is None or before > 0
