"""The same iteration for Locust's HttpUser."""

import os

from locust import HttpUser, constant, task


class Plain(HttpUser):
    """Asks without pause."""

    host = "http://unused"
    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """Ask and check."""
        with self.client.get(os.environ["TARGET"], catch_response=True, verify=False) as response:
            if response.status_code != 200:
                response.failure("status is 200")
            if response.json()["items"] != [1]:
                response.failure("has items")
