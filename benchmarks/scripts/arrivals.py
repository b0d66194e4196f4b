"""5,000 iterations a second for 30 s, one request each."""

from swell import check, env, http, scenario


@scenario(
    executor="constant-arrival-rate",
    rate=int(env.get("RATE", "5000")),
    duration=env.get("DURATION", "30s"),
    pre_allocated_vus=200,
    max_vus=1000,
)
def arrivals() -> None:
    """Ask and check."""
    response = http.get(env.TARGET)
    check(response, {"status is 200": lambda r: r.status_code == 200})
