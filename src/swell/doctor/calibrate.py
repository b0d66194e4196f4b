"""The calibration itself: the settings, the rounds, and what each generator says of the same server."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from swell.base.errors import SwellError
from swell.doctor.accuracy import Reading, Row, Setting, compare
from swell.doctor.generators import PEERS, SWELL, Generator, run
from swell.doctor.starving import Cores, of_most, starved_by
from swell.testing.calibration import CalibrationServer, Taken
from swell.testing.profiles import PROFILES

VUS: Final = 1_000
CALM_PAUSE_S: Final = 0.5
SATURATED_BURN_US: Final = 150
# Profiles whose phases are compared too, in calm: the kernel joins segments that wait to be read and keeps
# the last one's stamp, so that a saturated generator knows only when an answer was whole. It may happen in
# calm too, where other programs hold up the generator, so phases are shown but are no reason to fail.
PHASED: Final = frozenset({"slow-first-byte", "slow-body"})

Say = Callable[[str], None]


class Calibration(msgspec.Struct, frozen=True):
    """Everything measured.

    ``missing`` are generators that were asked for and are not installed, ``left_out`` single runs of others
    that gave no result, with why.
    """

    rows: tuple[Row, ...]
    readings: tuple[tuple[str, Setting, Taken, Reading], ...]
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def is_true(self) -> bool:
        """Whether swell's own durations are all within the limits."""
        return all(row.is_true for row in self.own)

    @property
    def starved(self) -> tuple[Row, ...]:
        """Those of swell's own durations for which server or generator did not have the machine."""
        return tuple(row for row in self.own if row.starved)

    @property
    def own(self) -> list[Row]:
        """Swell's own durations."""
        return [row for row in self.rows if row.generator == SWELL.name and not row.is_phase]


def settings(*, quick: bool, vus: int = VUS, seconds: int | None = None) -> list[Setting]:
    """What to measure: every profile, calm and saturated, on both schemes; ``quick`` leaves the first."""
    profiles = ["fixed"] if quick else list(PROFILES)
    length = seconds or (3 if quick else 6)
    return [
        Setting(
            scheme,
            state,
            profile,
            vus,
            length,
            pause_s=CALM_PAUSE_S if state == "calm" else 0.0,
            burn_us=0 if state == "calm" else SATURATED_BURN_US,
        )
        for scheme in ("http", "https")
        for state in ("calm", "saturated")
        for profile in profiles
    ]


def calibrate(wanted: Sequence[Setting], *, rounds: int, peers: bool, say: Say) -> Calibration:
    """Measure ``wanted`` in interleaved rounds; with ``peers`` by other generators too.

    Raises ``SwellError`` where the server does not start or swell's run gives no result.
    """
    _require_linux()
    generators = [SWELL, *(peer for peer in PEERS if peers and peer.is_installed)]
    readings: list[tuple[str, Setting, Taken, Reading]] = []
    left_out: dict[str, None] = {}
    watched = Cores()
    with separate_cores() as core, CalibrationServer(core) as server:
        for number in range(rounds):
            for setting in wanted:
                for generator in generators:
                    of = f"round {number + 1} of {rounds}: " if rounds > 1 else ""
                    what = f"{generator.name}, {setting.scheme}, {setting.state}, {setting.profile}"
                    say(f"{of}{what}")
                    try:
                        measured = _measure(generator, setting, server, watched)
                    except SwellError as error:
                        if generator is SWELL:
                            raise
                        why = error.message.partition("\n")[0]
                        say(f"left out: {why}")
                        left_out[f"{what}: {why}"] = None
                    else:
                        readings.append((generator.name, setting, *measured))
    missing = tuple(peer.name for peer in PEERS if peers and not peer.is_installed)
    return Calibration(tuple(_rows(readings)), tuple(readings), missing, tuple(left_out))


def _require_linux() -> None:
    if not hasattr(os, "sched_setaffinity"):
        raise SwellError(
            "the calibration needs Linux: its server waits with epoll and stamps with the kernel",
            hint="--limits shows the machine's limits without it",
            slug="doctor-run",
        )


@contextmanager
def separate_cores() -> Iterator[int | None]:
    """Keep what is started inside off the last usable core, the server's; None where there is but one."""
    if not hasattr(os, "sched_getaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    if len(before) == 1:
        yield None
        return
    last = max(before)
    os.sched_setaffinity(0, before - {last})
    try:
        yield last
    finally:
        os.sched_setaffinity(0, before)


def _measure(
    generator: Generator, setting: Setting, server: CalibrationServer, watched: Cores
) -> tuple[Taken, Reading]:
    """One run: what the server did and what the generator said."""
    base = server.url if setting.scheme == "http" else server.https_url
    server.take()
    busy_s, started, own_s = watched.busy_s(), time.monotonic(), time.process_time()
    reading = run(generator, setting, f"{base}{setting.profile}")
    busy_after_s, elapsed_s = watched.busy_s(), time.monotonic() - started
    done = server.take().get(setting.profile)
    if done is None:
        raise SwellError("the calibration server saw no request", slug="doctor-run")
    if busy_s is not None and busy_after_s is not None:
        ours_s = done.cpu_s + reading.cpu_share * elapsed_s + time.process_time() - own_s
        others = max(0.0, busy_after_s - busy_s - ours_s) / elapsed_s
        reading = msgspec.structs.replace(reading, others=others)
    return done, reading


def _rows(readings: Sequence[tuple[str, Setting, Taken, Reading]]) -> Iterator[Row]:
    grouped: dict[tuple[str, Setting], list[tuple[Taken, Reading]]] = {}
    for name, setting, done, reading in readings:
        grouped.setdefault((name, setting), []).append((done, reading))
    for (name, setting), rounds in grouped.items():
        starved = of_most([starved_by(setting, done, reading) for done, reading in rounds])
        quantities = ["duration"]
        if name == SWELL.name and setting.profile in PHASED and setting.state == "calm":
            quantities += ["waiting", "receiving"]
        for quantity in quantities:
            pairs = [(getattr(done, quantity), reading) for done, reading in rounds]
            yield msgspec.structs.replace(compare(name, setting, quantity, pairs), starved=starved)
