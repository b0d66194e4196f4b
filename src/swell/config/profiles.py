"""Profiles: named sizes of a load (smoke, peak, demo), kept as data in ``profiles.toml`` beside the scripts.

    [demo]                                     # a profile
    about = "five seconds of each test"        # what it is for; optional

    [demo.search]                              # its options for search.py, over those of the script
    scenarios.search = { rate = 20, duration = "5s" }

The file stands in the script's folder or in one above it; the nearest counts. Options are the script's own,
in either spelling. Scenarios are merged field by field into those of the script, and one set to ``false`` is
left out; one that gets another executor keeps of the script's fields what every executor has. Everything
else replaces what the script says.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from swell.base.errors import ConfigError, Fault
from swell.config.layers import Layer, did_you_mean

PROFILES_FILE: Final = "profiles.toml"
ABOUT: Final = "about"
# What a scenario keeps when a profile gives it another executor.
_COMMON_FIELDS: Final = frozenset({"exec", "env", "tags", "starttime", "after", "gracefulstop"})


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of one file; ``shown`` is what messages call it."""

    path: Path
    shown: str
    tables: Mapping[str, Mapping[str, Any]]

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles, in the order of the file."""
        return tuple(self.tables)

    def about(self, name: str) -> str:
        """What the profile is for, as far as the file says."""
        return str(self.tables[name].get(ABOUT, ""))


def find_profiles(folder: Path) -> Profiles | None:
    """The profiles of the scripts in ``folder``: its own file or the nearest one above; None without any.

    Raises:
        ConfigError: the file cannot be read, or is no table of profiles.
    """
    for parent in (folder, *folder.absolute().parents):
        path = parent / PROFILES_FILE
        if path.is_file():
            return read_profiles(path)
    return None


def read_profiles(path: Path) -> Profiles:
    """Read one file. Raises ``ConfigError`` with place and cause."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((Fault(shown, f"cannot be read: {error}"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((Fault(shown, f"is not valid TOML: {error}"),)) from error
    faults = [
        Fault(f"{shown}: {name}", "must be a table of scripts", "write it like [demo.search]")
        for name, table in tables.items()
        if not isinstance(table, dict)
        or any(not isinstance(entry, dict) for key, entry in table.items() if key != ABOUT)
    ]
    if faults:
        raise ConfigError(tuple(faults))
    return Profiles(path, shown, tables)


def with_profile(layer: Layer, script: Path, name: str) -> Layer:
    """The layer of ``script`` with the options of the profile ``name`` over its own.

    Raises:
        ConfigError: there is no such profile, it does not know the script, or it names no scenario of it.
    """
    profiles = find_profiles(script.parent)
    if profiles is None:
        hint = f"write {PROFILES_FILE} beside the script, or leave --profile out"
        message = f"there is no {PROFILES_FILE} in the folder of {layer.name} or above it"
        raise ConfigError((Fault("--profile", message, hint),))
    if name not in profiles.tables:
        hint = did_you_mean(name, profiles.names)
        message = f"there is no profile {name!r} in {profiles.shown}; there are: {', '.join(profiles.names)}"
        raise ConfigError((Fault("--profile", message, hint if hint.startswith("did") else ""),))
    table = profiles.tables[name]
    if script.stem not in table:
        known = [key for key in table if key != ABOUT]
        hint = f"add [{name}.{script.stem}]; it may be empty"
        message = f"the profile {name!r} has no entry for {script.name}; it has: {', '.join(known)}"
        raise ConfigError((Fault(profiles.shown, message, hint),))
    return _merged(layer, table[script.stem], f"{profiles.shown} [{name}.{script.stem}]")


def _merged(layer: Layer, options: Mapping[str, Any], place: str) -> Layer:
    values, places = dict(layer.values), dict(layer.places)
    for key, value in options.items():
        if key == "scenarios" and isinstance(value, dict):
            values[key] = _scenarios(layer, value, place, places)
            continue
        _put(values, key, value)
        places[key] = place
        if _fold(key) in {"vus", "duration", "iterations", "stages"}:
            # As everywhere: whoever sets a workload in short replaces the scenarios below.
            for other in ("scenarios", "duration", "iterations", "stages"):
                if other not in options:
                    values.pop(other, None)
    return replace(layer, values=values, places=places)


def _scenarios(
    layer: Layer, given: Mapping[str, Any], place: str, places: dict[str, str]
) -> dict[str, object]:
    written = layer.values.get("scenarios")
    scenarios: dict[str, object] = dict(written) if isinstance(written, dict) else {}
    unknown = [name for name in given if name not in scenarios]
    if unknown:
        raise ConfigError(
            tuple(
                Fault(place, f"{layer.name} has no scenario {name!r}", did_you_mean(name, scenarios))
                for name in unknown
            )
        )
    for name, changes in given.items():
        if changes is False:
            del scenarios[name]
            continue
        own = scenarios[name]
        if isinstance(own, dict) and isinstance(changes, dict):
            fields = dict(own)
            if changes.get("executor", own.get("executor")) != own.get("executor"):
                fields = {key: value for key, value in own.items() if _fold(key) in _COMMON_FIELDS}
            for key, value in changes.items():
                _put(fields, key, value)
                places[f"scenarios.{name}.{key}"] = place
            scenarios[name] = fields
        else:
            scenarios[name] = changes
            places[f"scenarios.{name}"] = place
    return scenarios


def _put(values: dict[str, Any], key: str, value: object) -> None:
    """Set ``key``, whichever of its two spellings is there already."""
    for other in [other for other in values if _fold(other) == _fold(key)]:
        del values[other]
    values[key] = value


def _fold(key: str) -> str:
    """One form for ``max_redirects`` and ``maxRedirects``."""
    return key.replace("_", "").lower()
