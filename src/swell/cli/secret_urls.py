"""The settings of ``--secret-source=url``: from its argument, a file and the environment, as in k6."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from swell.base.errors import SwellError
from swell.base.units import parse_duration_ns
from swell.cli.system import System
from swell.scripts.k6.secreturls import KEY, SecretURL

ENV_PREFIX: Final = "K6_SECRET_SOURCE_URL_"
_ENV_HEADER: Final = f"{ENV_PREFIX}HEADER_"
_HEADER: Final = "headers."


def _count(text: str) -> int:
    return int(str(text))


def _duration(text: str) -> int:
    return parse_duration_ns(str(text))


# Setting -> field, how it is read, and its least value.
_SETTINGS: Final[dict[str, tuple[str, Callable[[str], Any], int]]] = {
    "urlTemplate": ("url_template", str, 0),
    "method": ("method", str, 0),
    "responsePath": ("response_path", str, 0),
    "timeout": ("timeout_ns", _duration, 1),
    "maxRetries": ("max_retries", _count, 0),
    "retryBackoff": ("retry_backoff_ns", _duration, 1),
    "requestsPerMinuteLimit": ("requests_per_minute_limit", _count, 1),
    "requestsBurst": ("requests_burst", _count, 1),
}


def read_secret_url(pairs: Mapping[str, str], system: System) -> SecretURL:
    """The source that ``pairs`` of the argument name, over the file ``config``, over the environment.

    Raises ``SwellError`` for the first fault, without any value: it may be a secret.
    """
    fields: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for layer in (_environment(system.env), _file(pairs.get("config", ""), system), pairs):
        layer_headers = {
            name.removeprefix(_HEADER): str(value)
            for name, value in layer.items()
            if name.startswith(_HEADER)
        }
        # One layer's headers take the place of another's as a whole.
        headers = layer_headers or headers
        for name, value in layer.items():
            if name in _SETTINGS:
                fields[_SETTINGS[name][0]] = _read(name, value)
            elif name != "config" and not name.startswith(_HEADER):
                known = ", ".join((*_SETTINGS, "headers.NAME", "config"))
                raise SwellError(f"url: there is no setting {name!r}", hint=f"there are: {known}")
    template = fields.get("url_template", "")
    if not template:
        raise SwellError(
            "url: urlTemplate is missing", hint="for example urlTemplate=https://host/secrets/{key}"
        )
    if KEY not in template:
        raise SwellError(f"url: urlTemplate has no {KEY} in the place of a secret's name")
    if not urlsplit(template).scheme:
        raise SwellError("url: urlTemplate is no absolute URL", hint="it begins with https://")
    return SecretURL(headers=headers, **fields)


def _read(name: str, value: Any) -> Any:
    _, read, least = _SETTINGS[name]
    try:
        found = read(value)
    except ValueError:
        found = None
    if found is None or (isinstance(found, int) and found < least):
        kind = "a duration such as 30s" if read is _duration else f"a whole number from {least} on"
        raise SwellError(f"url: {name} is not {kind}")
    return found


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """``K6_SECRET_SOURCE_URL_URL_TEMPLATE`` and the like; empty ones do not count."""
    found = {}
    for name in _SETTINGS:
        words = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name)
        value = env.get(f"{ENV_PREFIX}{words}")
        if value:
            found[name] = value
    for name, value in env.items():
        if name.startswith(_ENV_HEADER):
            found[_HEADER + name.removeprefix(_ENV_HEADER)] = value
    return found


def _file(path: str, system: System) -> dict[str, Any]:
    """The settings in a JSON file, their headers in an object of its own."""
    if not path:
        return {}
    try:
        found = msgspec.json.decode(system.path(path).read_bytes(), type=dict[str, Any])
        headers = msgspec.convert(found.pop("headers", {}), dict[str, str])
    except OSError as error:
        raise SwellError(f"url: the file {path!r} cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError:
        raise SwellError(f"url: the file {path!r} is not JSON with the settings of a source") from None
    return found | {_HEADER + name: value for name, value in headers.items()}
