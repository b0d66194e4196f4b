"""The open model: requests arrive at a rate, whether or not earlier ones have been answered."""

from swell import check, context, env, http, scenario

BASE_URL = env.get("TARGET_URL", "http://127.0.0.1:8080")
DURATION = env.get("DURATION", "10s")

options = {
    "thresholds": {
        # From the instant at which the request was due, so that a stall is not hidden.
        "iteration_response_time": ["p(99)<500"],
        "dropped_iterations": ["count<10"],
    },
}


@scenario(
    executor="constant-arrival-rate",
    rate=50,
    time_unit="1s",
    duration=DURATION,
    pre_allocated_vus=20,
    max_vus=50,
    distribution="poisson",
)
def webhooks() -> None:
    """Independent senders: on average 50 a second, with the bursts that real traffic has."""
    event = {"id": context.scenario.iteration, "type": "payment"}
    response = http.post(f"{BASE_URL}/post", json=event, name="webhook")
    check(response, {"accepted": lambda r: r.status_code == 200})


@scenario(
    executor="ramping-arrival-rate", stages=[(DURATION, 30)], time_unit="1s", pre_allocated_vus=10, max_vus=30
)
def searches() -> None:
    """A rate that grows from nothing to 30 a second."""
    http.get(f"{BASE_URL}/get", params={"q": "wave"}, name="search")
