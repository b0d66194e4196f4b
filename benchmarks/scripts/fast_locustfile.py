"""The same iteration for Locust's FastHttpUser."""

import os

from locust import FastHttpUser, constant, task


class Fast(FastHttpUser):
    """Asks without pause."""

    host = "http://unused"
    wait_time = constant(0)
    insecure = True

    @task
    def ask(self) -> None:
        """Ask and check."""
        with self.client.get(os.environ["TARGET"], catch_response=True) as response:
            if response.status_code != 200:
                response.failure("status is 200")
            if response.json()["items"] != [1]:
                response.failure("has items")
