"""``swell.random``: values that a run with the same ``--seed`` draws again, for any number of workers.

Each iteration has a stream of its own, keyed by what names the iteration in the whole plan: (scenario, number
of the iteration) where the executor numbers iterations over all VUs, else (scenario, slot, iteration of the
slot). The streams are SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014): starting one costs two multiplications, where seeding Python's Mersenne Twister costs 8 µs and
2.5 KB per VU.
"""

import math
import random as stdlib_random
from functools import lru_cache
from hashlib import blake2b
from typing import NoReturn

from swell.engine.vu import VU, current_vu
from swell.scripts.native.state import VUState, loading

MASK = 0xFFFF_FFFF_FFFF_FFFF
GAMMA = 0x9E37_79B9_7F4A_7C15
_TO_UNIT = 2.0**-53


def mix(state: int) -> int:
    """SplitMix64's output function: a bijection of 64-bit numbers that spreads each bit over all."""
    state = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
    return state ^ (state >> 31)


@lru_cache(maxsize=1024)
def _key(seed: int, scenario: str) -> int:
    """64 bits for this seed and scenario; a real hash, as Python's differs from process to process."""
    digest = blake2b(f"{seed}\0{scenario}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def stream_start(seed: int, scenario: str, slot: int, iteration: int, iteration_number: int) -> int:
    """The first state of an iteration's stream; ``slot`` counts where there is no ``iteration_number``."""
    key = _key(seed, scenario)
    if iteration_number >= 0:
        return mix((key + mix((iteration_number + 1) * GAMMA & MASK)) & MASK)
    # Slots from the other end, so that no (slot, iteration) meets the stream of a numbered iteration.
    return mix((mix((key - mix((slot + 1) * GAMMA & MASK)) & MASK) + (iteration + 1) * GAMMA) & MASK)


class RunRandom(stdlib_random.Random):
    """All functions of Python's ``random.Random`` over the stream of the running iteration.

    In the init context (the script loads) the values depend on the seed alone, so that every worker draws
    the same; outside swell they are Python's own.
    """

    def random(self) -> float:
        """A number in [0, 1)."""
        return (self._next() >> 11) * _TO_UNIT

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""
        if k < 0:
            raise ValueError("the number of bits must not be negative")
        if k <= 64:  # noqa: PLR2004  # bits of one step
            return self._next() >> (64 - k)
        words = (k + 63) // 64
        value = 0
        for _ in range(words):
            value = value << 64 | self._next()
        return value >> (64 * words - k)

    def randbytes(self, n: int) -> bytes:
        """``n`` random bytes."""
        return self.getrandbits(8 * n).to_bytes(n, "little")

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A normally distributed number; without Python's memory of a second one, which VUs would share."""
        angle = self.random() * math.tau
        return mu + math.cos(angle) * math.sqrt(-2.0 * math.log(1.0 - self.random())) * sigma

    def seed(self, *_args: object, **_kwargs: object) -> None:
        """Nothing: the seed is the run's (``--seed``)."""

    def getstate(self) -> NoReturn:
        """Not supported: the state belongs to the iteration."""
        raise NotImplementedError("swell.random has no state of its own; it repeats under --seed")

    def setstate(self, state: object) -> NoReturn:
        """Not supported: the state belongs to the iteration."""
        raise NotImplementedError("swell.random has no state of its own; it repeats under --seed")

    def _next(self) -> int:
        """64 random bits of the current stream."""
        vu = current_vu.get(None)
        if vu is None:
            return _next_in_init()
        language: VUState = vu.language
        state = language.random_state
        if state is None:
            state = _start(vu)
        language.random_state = state = (state + GAMMA) & MASK
        # mix(), inlined: a call costs as much as the rest.
        state = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
        return state ^ (state >> 31)


def _start(vu: VU) -> int:
    seed = vu.runtime.seed
    return stream_start(seed, vu.scenario, vu.slot, vu.iteration_in_scenario, vu.iteration_number)


def _next_in_init() -> int:
    declarations = loading.get()
    if declarations is None:
        return _unseeded.getrandbits(64)
    state = declarations.random_state
    if state is None:
        state = stream_start(declarations.seed, "", 0, 0, -1)
    declarations.random_state = state = (state + GAMMA) & MASK
    return mix(state)


_unseeded = stdlib_random.SystemRandom()
random = RunRandom()
