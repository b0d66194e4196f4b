"""What swell does to the calibration server: one request per iteration, then as much work as asked for."""

import random
from time import monotonic_ns

from swell import env, http, sleep

options = {"insecure_skip_tls_verify": True}
PAUSE_S = float(env.PAUSE_S)
BURN_NS = int(env.BURN_US) * 1000


def default() -> None:
    """Pause, ask, burn."""
    if PAUSE_S:
        sleep(random.uniform(0, 2 * PAUSE_S))
    http.get(env.TARGET)
    if BURN_NS:
        until = monotonic_ns() + BURN_NS
        while monotonic_ns() < until:
            pass
