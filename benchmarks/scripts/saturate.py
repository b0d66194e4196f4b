"""One VU's iteration in the throughput comparison: one request, its JSON parsed, two checks."""

from swell import check, env, http

options = {"insecure_skip_tls_verify": True}


def default() -> None:
    """Ask and check."""
    response = http.get(env.TARGET)
    check(
        response,
        {
            "status is 200": lambda r: r.status_code == 200,
            "has items": lambda r: r.json()["items"] == [1],
        },
    )
