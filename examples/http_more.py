"""Credentials, streamed responses and server-sent events (swell run examples/http_more.py)."""

from swell import Trend, check, env, http

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")

options = {
    "vus": 2,
    "duration": env.get("DURATION", "10s"),
    "thresholds": {"checks": ["rate==1"], "http_req_failed": ["rate==0"], "event_latency": ["p(95)<1000"]},
}

event_latency = Trend("event_latency", is_time=True)


def default() -> None:
    """Log in in three ways, then read two responses while they arrive."""
    answers = [
        http.get(f"{BASE_URL}/basic-auth/grace/hopper", auth=("grace", "hopper")),
        http.get(f"{BASE_URL}/bearer", auth=http.bearer("a-token")),
        http.get(f"{BASE_URL}/digest-auth/grace/hopper", auth=http.digest("grace", "hopper")),
    ]
    check(answers, {"all three let us in": lambda each: all(answer.ok for answer in each)})

    with http.stream("GET", f"{BASE_URL}/stream/20", chunk_timeout="5s") as response:
        lines = list(response.iter_lines())
    check(lines, {"all lines came": lambda each: len(each) == 20})

    for event in http.events(f"{BASE_URL}/events/50", chunk_timeout="5s"):
        event_latency.add(event.latency)
        if event.data == "event 9":
            # Leaving early closes the connection; it is no failure.
            break
