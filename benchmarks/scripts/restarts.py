"""VUs whose server goes away again and again: one request, a short pause, and on."""

from swell import context, env, http, random, sleep

BASE = env.TARGET


def default() -> None:
    """One request; a failed one is only counted."""
    if context.vu.iteration == 0:
        sleep(random.random())
    http.get(f"{BASE}/json", name="page", timeout=2)
    sleep(0.5 + random.random())
