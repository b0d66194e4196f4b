"""The mix of the soak: kept connections, compression, cookies, checks, failures, many URLs, ever new tags."""

from swell import Trend, check, context, env, group, http, random, sleep

BASE = env.TARGET
PAUSE_S = float(env.get("PAUSE", "0.1"))
URLS = int(env.get("URLS", "2000"))
answer_ms = Trend("answer_ms", is_time=True)
# Each VU asks for a page that nobody asked for before, once in so many iterations.
NEW_EVERY = int(env.get("NEW_EVERY", "20"))


def default() -> None:
    """One request of the mix, chosen by the number of the iteration."""
    vu = context.vu
    kind = vu.iteration % NEW_EVERY
    with group("visit"):
        if kind == 0:
            new = f"{vu.id}-{vu.iteration}"
            response = http.get(f"{BASE}/json?new={new}", tags={"visit": new})
        elif kind == 1:
            response = http.get(f"{BASE}/gzip", name="gzip")
        elif kind == 2:
            response = http.get(f"{BASE}/cookies/set?session={vu.iteration}", name="cookie")
        elif kind == 3:
            response = http.get(
                f"{BASE}/status/503", name="unavailable", expected=lambda status: status == 503
            )
        elif kind == 4:
            response = http.post(f"{BASE}/post", json={"vu": vu.id}, name="post")
        elif kind == 5:
            response = http.get(f"{BASE}/truncate", name="cut short", expected=lambda _: True)
        else:
            number = random.randint(1, URLS)
            response = http.get(f"{BASE}/json?page={number}", tags={"page": str(number)})
    check(response, {"answered": lambda r: kind == 5 or r.status_code in (200, 503)})
    answer_ms.add(response.timings.duration, {"kind": str(kind)})
    sleep(PAUSE_S)
