"""The same for Locust's FastHttpUser."""

import os
import random
from time import monotonic_ns

from locust import FastHttpUser, task

PAUSE_S = float(os.environ["PAUSE_S"])
BURN_NS = int(os.environ["BURN_US"]) * 1000


class Asking(FastHttpUser):
    """Asks, burns, pauses."""

    host = "http://unused"
    insecure = True

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
