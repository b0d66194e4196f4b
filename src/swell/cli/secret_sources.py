"""``--secret-source``: where the values that a k6 script asks ``k6/secrets`` for come from."""

from collections.abc import Sequence
from typing import Final

import msgspec

from swell.base.errors import ConfigError, ExitCode, Fault, SwellError
from swell.cli.secret_urls import read_secret_url
from swell.cli.system import System
from swell.scripts.k6.secreturls import SecretURL

PLACE: Final = "--secret-source"
KINDS: Final = ("file", "mock", "url")


class SecretSources(msgspec.Struct):
    """Values by source and key, and sources that are asked when a script wants a value.

    ``default`` names the source that a script need not name.
    """

    sources: dict[str, dict[str, str]] = {}
    urls: dict[str, SecretURL] = {}
    default: str = ""

    def __bool__(self) -> bool:
        return bool(self.sources or self.urls)

    def values(self) -> list[str]:
        """Every secret value that is known so far, and what the servers of others are told in headers."""
        known = [value for source in self.sources.values() for value in source.values()]
        return known + [value for source in self.urls.values() for value in source.headers.values()]


def read_secret_sources(given: Sequence[str], system: System) -> SecretSources:
    """Read the sources that ``given`` items (``TYPE=KEY=VALUE,...``) name.

    ``file=PATH`` has a ``KEY=VALUE`` a line; ``mock=KEY=VALUE,...`` holds its values itself;
    ``url=SETTING=VALUE,...`` asks a server. All take ``name=NAME`` and ``default``.

    Raises:
        ConfigError: with every fault, and k6's exit code, 255.
    """
    faults: list[Fault] = []
    found = SecretSources({}, {})
    for item in _joined(given):
        kind, _, argument = item.partition("=")
        if kind not in KINDS:
            hint = f"there are: {', '.join(KINDS)}"
            faults.append(Fault(PLACE, f"there is no secret source of the type {kind!r}", hint))
            continue
        pairs, is_default = {}, False
        for position, part in enumerate(argument.split(","), start=1):
            name, equals, value = part.partition("=")
            if part == "default":
                is_default = True
            elif kind == "url" and not argument:
                break
            elif kind == "file" and not equals:
                pairs["filename"] = part
            elif not equals:
                # By its place: it may be a piece of a secret.
                faults.append(Fault(PLACE, f"{kind}: part {position} is not KEY=VALUE"))
            else:
                pairs[name] = value
        name = pairs.pop("name", kind)
        if name in found.sources or name in found.urls:
            faults.append(Fault(PLACE, f"there are two secret sources of the name {name!r}"))
        if is_default and found.default:
            faults.append(Fault(PLACE, f"both {found.default!r} and {name!r} are to be the default"))
        if is_default:
            found.default = name
        if kind == "url":
            try:
                found.urls[name] = read_secret_url(pairs, system)
            except SwellError as error:
                faults.append(Fault(PLACE, error.message, error.hint))
        elif kind == "mock":
            found.sources[name] = pairs
        else:
            found.sources[name] = _read_file(pairs.get("filename", ""), system, faults)
    if faults:
        raise ConfigError(tuple(faults), exit_code=ExitCode.OTHER)
    if len(found.sources) + len(found.urls) == 1:
        found.default = next(iter((*found.sources, *found.urls)))
    return found


def _joined(given: Sequence[str]) -> list[str]:
    """A part that begins with no type belongs to the one before it: a comma list was split there."""
    items: list[str] = []
    for part in given:
        if items and part.partition("=")[0] not in KINDS:
            items[-1] += f",{part}"
        else:
            items.append(part)
    return items


def _read_file(file: str, system: System, faults: list[Fault]) -> dict[str, str]:
    values: dict[str, str] = {}
    try:
        lines = system.path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(PLACE, f"the file {file!r} cannot be read: {getattr(error, 'strerror', error)}"))
        return values
    for number, line in enumerate(lines, start=1):
        key, equals, value = line.partition("=")
        if equals:
            values[key] = value
        elif line.strip():
            # Without the line itself: it may be a secret.
            faults.append(Fault(f"{file}:{number}", "the line is not KEY=VALUE"))
    return values
