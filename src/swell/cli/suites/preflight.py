"""What is looked at before a suite starts: the target is up, meant for tests, ours to ask, and seeded."""

import ipaddress
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Mapping
from http.client import HTTPException
from urllib.parse import urlsplit

from swell.base.errors import ConfigError, Fault
from swell.cli.suites.tests import SuiteTarget, SuiteTest

TIMEOUT_S = 5.0
# The operator's token of the reference platform, under the name that the platform itself reads.
TOKEN_VARIABLE = "SWELL_TARGET_ADMIN_TOKEN"  # noqa: S105 - a name, no secret
# A host with one of these words as a part of its name is for tests.
_TEST_WORDS = frozenset(
    {"localhost", "local", "test", "testing", "stage", "staging", "dev", "development"}
    | {"preview", "qa", "uat", "sandbox", "loadtest", "internal", "example", "invalid"}
)
_REFUSALS = frozenset({401, 403})
_NO_ANSWER = 0
_FIRST_FAILURE = 400


def target_url(target: SuiteTarget, env: Mapping[str, str]) -> str:
    """Where the target is: what its variable says, else where it is by default."""
    return env.get(target.variable, "").rstrip("/") or target.url


def check_targets(tests: Iterable[SuiteTest], env: Mapping[str, str], allowed: Collection[str]) -> None:
    """Look at every target of ``tests`` once.

    Raises:
        ConfigError: one line for each target that is not up, not for tests, not ours to ask, or not seeded.
    """
    targets = dict.fromkeys((target_url(test.target, env), test.target) for test in tests)
    faults = [fault for url, target in targets for fault in _faults(url, target, env, allowed)]
    if faults:
        raise ConfigError(tuple(faults))


def looks_like_production(host: str) -> bool:
    """Whether load on ``host`` could hit real users: a public address, or a name without a word for tests."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not _TEST_WORDS & set(host.lower().replace("-", ".").split("."))


def _faults(url: str, target: SuiteTarget, env: Mapping[str, str], allowed: Collection[str]) -> list[Fault]:
    place = target.variable
    if not url:
        return [Fault(place, "is not set, and the suite has no url in [target]")]
    host = urlsplit(url).hostname
    if not host:
        return [Fault(place, f"{url!r} is no URL", "write it like http://127.0.0.1:8001")]
    if looks_like_production(host) and host not in allowed:
        hint = f"if it is for load tests: --allow-host {host}"
        return [Fault(place, f"{host} looks like production", hint)]
    status, reason = _ask(f"{url}/health")
    if not 0 < status < _FIRST_FAILURE:
        start = f"start it: swell target serve --services {target.service}" if target.service else ""
        message = f"no target at {url} ({reason or f'/health answers {status}'})"
        return [Fault(place, message, start or f"set {target.variable}")]
    token = env.get(TOKEN_VARIABLE, "")
    if token and _ask(f"{url}/admin/faults", token)[0] in _REFUSALS:
        hint = "take the one that `swell target serve` printed"
        return [Fault(TOKEN_VARIABLE, f"is not the secret of the target at {url}", hint)]
    missing = [path for path in target.needs if not 0 < _ask(url + path, token)[0] < _FIRST_FAILURE]
    hint = f"seed it: swell target seed --services {target.service}" if target.service else ""
    return [Fault(place, f"seed data is missing at {url}: {path}", hint) for path in missing]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The operator's token is for the target that was named, and for nobody that it names."""

    def redirect_request(self, *_details: object) -> None:
        """Follow none: the redirect itself is the answer."""


# For what is asked with the operator's token: past the environment's proxies, too.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def _ask(url: str, token: str = "") -> tuple[int, str]:
    """The status of a GET, or 0 and why there is none."""
    headers = {"X-Admin-Token": token} if token else {}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's own target
        with OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, ""
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return _NO_ANSWER, str(getattr(reason, "strerror", None) or reason).lower()
