"""The same for Locust's FastHttpUser."""

import os
import random
from time import monotonic_ns

from locust import FastHttpUser, task
from locust.contrib.fasthttp import insecure_ssl_context_factory

PAUSE_S = float(os.environ["PAUSE_S"])
BURN_NS = int(os.environ["BURN_US"]) * 1000


# Each user would make a context of its own, 26 ms apiece: a thousand of them would not have asked in time.
# A factory that refuses `cafile` has the authorities read into its context for each user, as slowly.
CONTEXT = insecure_ssl_context_factory()


class Asking(FastHttpUser):
    """Asks, burns, pauses."""

    host = "http://unused"
    insecure = True
    ssl_context_factory = staticmethod(lambda **_: CONTEXT)

    def wait_time(self) -> float:
        """The pause before the next task."""
        return random.uniform(0, 2 * PAUSE_S)

    @task
    def ask(self) -> None:
        """Ask and burn."""
        self.client.get(os.environ["TARGET"])
        if BURN_NS:
            until = monotonic_ns() + BURN_NS
            while monotonic_ns() < until:
                pass
