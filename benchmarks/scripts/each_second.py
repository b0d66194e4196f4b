"""One request a second for each VU, on the VU's own connection; the start is spread over the first second."""

from swell import check, context, env, http, sleep

TARGETS = [env.TARGET, env.TARGET.replace("127.0.0.1", "127.0.0.2")]


def default() -> None:
    """One request, then the rest of the second."""
    vu = context.vu
    if vu.iteration == 0:
        sleep(vu.id % 1000 / 1000)
    response = http.get(TARGETS[vu.id % 2])
    check(response, {"status is 200": lambda r: r.status_code == 200})
    sleep(1)
