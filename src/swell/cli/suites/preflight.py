"""What is looked at before a suite starts: the target is up, meant for tests, ours to ask, and seeded."""

import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Mapping
from http.client import HTTPException, InvalidURL

import msgspec

from swell.base.errors import ConfigError, Fault
from swell.cli.suites.tests import SuiteTest
from swell.config.target import Need, Target, guard, shown_url

TIMEOUT_S = 5.0
# The operator's token of the reference platform, under the name that the platform itself reads.
TOKEN_VARIABLE = "SWELL_TARGET_ADMIN_TOKEN"  # noqa: S105 - a name, no secret
_TOKEN_HEADER = "X-Admin-Token"  # noqa: S105 - as above
_REFUSALS = frozenset({401, 403})
_NO_ANSWER = 0
_FIRST_FAILURE = 400


def check_targets(tests: Iterable[SuiteTest], env: Mapping[str, str], allowed: Collection[str]) -> None:
    """Look at every target of ``tests`` once.

    Raises:
        ConfigError: one line for each target that is not up, not for tests, not ours to ask, or not seeded.
    """
    targets = {test.script.parent: test.target for test in tests}
    faults = [fault for target in targets.values() for fault in _faults(target, env, allowed)]
    # Suites that share a target say the same of it.
    faults = list(dict.fromkeys(faults))
    if faults:
        raise ConfigError(tuple(faults))


def _faults(target: Target, env: Mapping[str, str], allowed: Collection[str]) -> list[Fault]:
    url, place = target.url_in(env), target.variable
    if not url:
        return [Fault(place, "is not set, and the suite has no url in [target]")]
    if faults := guard(target, env, allowed):
        return faults
    status, reason = _ask(f"{url}/health")
    if not 0 < status < _FIRST_FAILURE:
        start = f"start it: swell target serve --services {target.service}" if target.service else ""
        message = f"no target at {shown_url(url)} ({reason or f'/health answers {status}'})"
        return [Fault(place, message, start or f"set {target.variable}")]
    token = env.get(TOKEN_VARIABLE, "")
    if token and _ask(f"{url}/admin/faults", {_TOKEN_HEADER: token})[0] in _REFUSALS:
        hint = "take the one that `swell target serve` printed"
        return [Fault(TOKEN_VARIABLE, f"is not the secret of the target at {shown_url(url)}", hint)]
    values = target.settings_in(env)
    missing = (_missing(url, need, values, token, target) for need in target.needs)
    return [fault for fault in missing if fault is not None]


def _missing(url: str, need: Need, values: Mapping[str, str], token: str, target: Target) -> Fault | None:
    """What is wrong where a request for seed data does not succeed."""
    asked = need.filled(values)
    headers = {_TOKEN_HEADER: token} if token else {}
    status, reason = _ask(url + asked.path, headers | asked.headers, asked.json)
    if 0 < status < _FIRST_FAILURE:
        return None
    # An account that was never made is refused just as a wrong password is.
    names = " and ".join(need.settings)
    seed = f"seed it: swell target seed --services {target.service}" if target.service else ""
    hint = ", or ".join(filter(None, (seed, names and f"set {names}")))
    message = f"seed data is missing at {shown_url(url)}: {asked.path} ({reason or f'status {status}'})"
    return Fault(names or target.variable, message, hint)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The operator's token is for the target that was named, and for nobody that it names."""

    def redirect_request(self, *_details: object) -> None:
        """Follow none: the redirect itself is the answer."""


# For what is asked with the operator's token: past the environment's proxies, too.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def _ask(
    url: str, headers: Mapping[str, str] | None = None, body: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The status of a GET, or of a POST with ``body`` as JSON; 0 and why where there is none."""
    sent = dict(headers or {})
    data = None if body is None else msgspec.json.encode(body)
    if data is not None:
        sent["Content-Type"] = "application/json"
    try:
        request = urllib.request.Request(url, data, sent)  # noqa: S310 - the user's own target
        with OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, ""
    except (ValueError, InvalidURL):
        # Their words have the value in them, which may be a secret.
        return _NO_ANSWER, "its URL or a header cannot be sent"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return _NO_ANSWER, str(getattr(reason, "strerror", None) or reason).lower()
