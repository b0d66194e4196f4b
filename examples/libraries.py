"""Any Python library in a virtual user: its sockets let others run, and what blocks in C goes to a thread."""

import hashlib
import time

import requests

from swell import Trend, blocking, check, env, sleep

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {"vus": 5, "duration": "5s"}
sdk_time = Trend("sdk_time", is_time=True)


def default() -> None:
    """Call an SDK that is built on requests, and hash a password as the client of the service would."""
    key = blocking(hashlib.scrypt, b"secret", salt=b"salt", n=2**12, r=8, p=1)
    started = time.perf_counter()
    response = requests.get(f"{BASE_URL}/get", params={"key": key.hex()[:8]}, timeout=10)
    # Only swell's own client measures by itself; what another library does is measured here.
    sdk_time.add((time.perf_counter() - started) * 1000)
    check(response, {"answered": lambda r: r.status_code == 200})
    sleep(0.5)
