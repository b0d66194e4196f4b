"""The target of a folder's scripts, from ``[target]`` of ``profiles.toml``, and the guard of real users.

    [target]
    service = "wwmaa"                               # its name at ``swell target serve``
    variable = "BASE_URL"                           # by which scripts take its URL; of a list the first set
    url = "http://localhost:8001"                   # where it is without that
    also = ["API_URL"]                              # further variables with URLs that the scripts call
    settings = { TOKEN = "mock" }                   # what else they take, with what it is by default
    needs = ["/events/1", { path = "/me", headers = { Authorization = "Bearer $TOKEN" } }]   # seed data

Whoever declares a target has load kept from hosts that look like production, unless one is allowed by name.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from swell.base.errors import ConfigError, Fault
from swell.config.profiles import PROFILES_FILE, find_profiles, is_there

DEFAULT_VARIABLE: Final = "BASE_URL"
# A host with one of these words as a part of its name is for tests.
_TEST_WORDS: Final = frozenset(
    {"localhost", "local", "test", "testing", "stage", "staging", "dev", "development"}
    | {"preview", "qa", "uat", "sandbox", "loadtest", "internal", "example", "invalid"}
)
# What stands before the host, in a URL that need not be a good one.
_CREDENTIALS: Final = re.compile(r"^([\w+.\-]*:?/*)[^/?#]*@")


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that must succeed before anything starts: a POST where there is ``json``, else a GET.

    ``$NAME`` in its texts stands for a setting of the target.
    """

    path: str
    headers: dict[str, str] = {}
    json: dict[str, str] | None = None

    @property
    def settings(self) -> list[str]:
        """The names of the settings in its texts."""
        texts = [self.path, *self.headers.values(), *(self.json or {}).values()]
        return list(dict.fromkeys(name for text in texts for name in Template(text).get_identifiers()))

    def filled(self, values: Mapping[str, str]) -> "Need":
        """The request with the settings' ``values`` in their places."""

        def fill(texts: Mapping[str, str]) -> dict[str, str]:
            return {name: Template(text).safe_substitute(values) for name, text in texts.items()}

        path = Template(self.path).safe_substitute({name: quote(text, "") for name, text in values.items()})
        return Need(path, fill(self.headers), None if self.json is None else fill(self.json))


@dataclass(frozen=True, slots=True)
class Target:
    """What ``[target]`` says; see the module."""

    service: str = ""
    variables: tuple[str, ...] = (DEFAULT_VARIABLE,)
    url: str = ""
    needs: tuple[Need, ...] = ()
    also: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The variable by which it is called in messages, and set."""
        return self.variables[0]

    def url_in(self, env: Mapping[str, str]) -> str:
        """Where it is: what the first of its variables that is set says, else where it is by default."""
        set_ = (env[name].rstrip("/") for name in self.variables if env.get(name))
        return next(set_, self.url)

    def settings_in(self, env: Mapping[str, str]) -> dict[str, str]:
        """The values of its settings: those of ``env`` over the defaults."""
        return {name: env.get(name, default) for name, default in self.settings.items()}

    def without(self, env: Mapping[str, str]) -> dict[str, str]:
        """``env`` without all that is about one target: for a run against another."""
        own = {*self.variables, *self.also, *self.settings}
        return {name: value for name, value in env.items() if name not in own}


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the table is written."""

    service: str = ""
    variable: str | tuple[str, ...] = DEFAULT_VARIABLE
    url: str = ""
    needs: tuple[str | Need, ...] = ()
    also: tuple[str, ...] = ()
    settings: dict[str, str] = {}


TARGET_KEYS: Final = _Table.__struct_fields__


def read_target(table: Mapping[str, Any], shown: str) -> Target:
    """Read ``[target]`` of the file that messages call ``shown``.

    Raises:
        ConfigError: it has keys or values that it cannot have; all faults.
    """
    place = f"{shown} [target]"
    known = f"there are: {', '.join(TARGET_KEYS)}"
    faults = [Fault(place, f"there is no key {key!r}", known) for key in table if key not in TARGET_KEYS]
    read = _Table()
    try:
        read = msgspec.convert({key: table[key] for key in table if key in TARGET_KEYS}, _Table)
    except msgspec.ValidationError as error:
        faults.append(Fault(place, f"cannot be read: {error}"))
    needs = tuple(Need(need) if isinstance(need, str) else need for need in read.needs)
    unknown = {name for need in needs for name in need.settings} - read.settings.keys()
    faults += [Fault(place, f"needs has ${name}, and settings has no {name}") for name in sorted(unknown)]
    if faults:
        raise ConfigError(tuple(faults))
    named = (read.variable,) if isinstance(read.variable, str) else read.variable
    variables = tuple(filter(None, named)) or (DEFAULT_VARIABLE,)
    return Target(read.service, variables, read.url.rstrip("/"), needs, read.also, read.settings)


def declared_target(folder: Path) -> Target | None:
    """The target of the scripts in ``folder``, by the nearest ``profiles.toml``; None where that names none.

    Raises:
        ConfigError: the folder's own file cannot be read. One above it, for which nobody has asked, may be
            another program's.
    """
    try:
        profiles = find_profiles(folder)
    except ConfigError:
        if is_there(folder / PROFILES_FILE):
            raise
        return None
    return read_target(profiles.target, profiles.shown) if profiles.target else None


def looks_like_production(host: str) -> bool:
    """Whether load on ``host`` could hit real users: a public address, or a name without a word for tests."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        words = {word for label in host.lower().split(".") for word in _readable(label).split("-")}
        return not _TEST_WORDS & words


def _readable(label: str) -> str:
    """A part of a name as people read it: letters of others than English stand in it encoded."""
    try:
        return label.encode().decode("idna") if label.startswith("xn--") else label
    except UnicodeError:
        return ""


def guard(target: Target, env: Mapping[str, str], allowed: Collection[str]) -> list[Fault]:
    """A fault for each host that scripts of ``target`` would call and that looks like production.

    ``env`` are the scripts' variables, ``allowed`` the hosts that are for load tests whatever they look like.
    A URL that has no host is a fault, too: nobody knows what would be called.
    """
    places: dict[str, list[str]] = {}
    faults = []
    urls: Sequence[tuple[str, str]] = [(target.variable, target.url_in(env))]
    for name, url in [*urls, *((name, env.get(name, "")) for name in target.also)]:
        host = host_of(url)
        if host:
            places.setdefault(host, []).append(name)
        elif url:
            faults.append(Fault(name, f"{shown_url(url)!r} is no URL", "write it like http://127.0.0.1:8001"))
    known = {host.lower().strip("[]") for host in allowed}
    return faults + [
        Fault(
            ", ".join(names), f"{host} looks like production", f"if it is for load tests: --allow-host {host}"
        )
        for host, names in places.items()
        if looks_like_production(host) and host not in known
    ]


def host_of(url: str) -> str:
    """The host of a URL, in lower case; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def shown_url(url: str) -> str:
    """A URL for messages: whatever may be a name and a password in it is hidden."""
    return _CREDENTIALS.sub(r"\1****@", url)
