"""How a worker treats memory once its VUs are made: looks for cycles, and what the allocator gives back."""

import ctypes
import gc
import sys
from typing import Final

# New objects between two looks for cycles. Everything made before the start is frozen, so that a look
# concerns only what iterations leave behind; the default of 700 looks a hundred times a second at full speed.
GC_THRESHOLDS: Final = (10_000, 20, 50)
# Freed memory at the end of the heap that is kept, and the largest block that comes from the heap (glibc
# allows no more for that). By its defaults a body of 5 MB is given back to the system after each answer, and
# the next one costs 1,200 page faults a copy: 6 of 10 ms of processor time where a k6 script reads bytes.
KEPT_BYTES: Final = 32 * 1024 * 1024
# From glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def settle() -> None:
    """Leave what is there out of the looks for cycles, and keep what is freed for what comes next."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    # Other C libraries have their own rules, and no such function.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
