"""Small suites on disk: scripts of a few lines with profiles, for tests that run them."""

from pathlib import Path
from textwrap import dedent

HEALTH = """
from swell import env, http, invariant, scenario
options = {"thresholds": {"http_req_failed": ["rate<0.01"]}}

@scenario(executor="constant-vus", vus=50, duration="10m")
def visit():
    http.get(f"{env.BASE_URL}/health")

@invariant("it is still up")
def up():
    return http.get(f"{env.BASE_URL}/health").ok
"""
SLOW = HEALTH.replace('"http_req_failed": ["rate<0.01"]', '"http_req_duration": ["max<0.000001"]')
PROFILES = """
[target]
service = "cooly"
url = "http://127.0.0.1:1"

[demo]
about = "a moment of each"
[demo.health]
scenarios.visit = { vus = 2, duration = "1s" }
[demo.slow]
scenarios.visit = { vus = 1, duration = "1s" }
[long.health]
"""


def write_suite(folder: Path, profiles: str = PROFILES, **scripts: str) -> Path:
    """A suite in ``folder``; without ``scripts`` the two above."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.toml").write_text(dedent(profiles))
    for name, source in (scripts or {"health": HEALTH, "slow": SLOW}).items():
        (folder / f"{name}.py").write_text(source)
    return folder
