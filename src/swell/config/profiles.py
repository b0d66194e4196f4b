"""Profiles: named sizes of a load (smoke, peak, demo), kept as data in ``profiles.toml`` beside the scripts.

    [demo]                                     # a profile
    about = "five seconds of each test"        # what it is for; optional
    env = { PACE = "0.1" }                     # variables for all its scripts; optional

    [demo.search]                              # its options for search.py, over those of the script
    scenarios.search = { rate = 20, duration = "5s" }
    env = { KEYWORDS = "20" }

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
ENV: Final = "env"
# The platform that the scripts are for, which ``swell suite`` looks at before it starts; no profile.
TARGET: Final = "target"
# What a scenario keeps when a profile gives it another executor.
_COMMON_FIELDS: Final = frozenset({"exec", "env", "tags", "starttime", "after", "gracefulstop"})
_SHORTCUTS: Final = frozenset({"vus", "duration", "iterations", "stages"})


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of one file; ``shown`` is what messages call it."""

    path: Path
    shown: str
    tables: Mapping[str, Mapping[str, Any]]
    target: Mapping[str, Any]

    def scripts(self, name: str) -> list[Path]:
        """The scripts for which the profile ``name`` has options, in the order of the file.

        Raises:
            ConfigError: there is no such profile.
        """
        table = self._table(name)
        return [self.path.with_name(f"{stem}.py") for stem in table if stem not in {ABOUT, ENV}]

    def profile(self, name: str, script: Path) -> "Profile":
        """The options of the profile ``name`` for ``script``.

        Raises:
            ConfigError: there is no such profile, or it does not know the script.
        """
        table = self._table(name)
        stem = script.stem
        if stem not in table:
            known = ", ".join(path.name for path in self.scripts(name))
            message = f"the profile {name!r} has no entry for {script.name}; it has: {known or 'none'}"
            raise ConfigError((Fault(self.shown, message, f"add [{name}.{stem}]; it may be empty"),))
        options = dict(table[stem])
        env = {**table.get(ENV, {}), **options.pop(ENV, {})}
        variables = {variable: str(value) for variable, value in env.items()}
        return Profile(f"{self.shown} [{name}.{stem}]", options, variables)

    def _table(self, name: str) -> Mapping[str, Any]:
        if name in self.tables:
            return self.tables[name]
        hint = did_you_mean(name, self.tables)
        known = ", ".join(self.tables)
        message = f"there is no profile {name!r} in {self.shown}; there are: {known or 'none'}"
        raise ConfigError((Fault("--profile", message, hint if hint.startswith("did") else ""),))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile says about one script."""

    place: str
    options: Mapping[str, Any]
    env: Mapping[str, str]


def find_profiles(folder: Path) -> Profiles:
    """The profiles of the scripts in ``folder``: those of its own file, or of the nearest one above.

    Raises:
        ConfigError: there is no file, it cannot be read, or it is no table of profiles.
    """
    for parent in (folder, *folder.absolute().parents):
        path = parent / PROFILES_FILE
        if is_there(path):
            return read_profiles(path)
    message = f"there is no {PROFILES_FILE} in {folder.name} or above it"
    hint = f"write {PROFILES_FILE} beside the script, or leave --profile out"
    raise ConfigError((Fault("--profile", message, hint),))


def is_there(path: Path) -> bool:
    """Whether ``path`` is a file, as far as anybody here may see: folders above may be closed to the user."""
    try:
        return path.is_file()
    except OSError:
        return False


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
        or any(not isinstance(entry, dict) for key, entry in table.items() if key != ABOUT and name != TARGET)
    ]
    if faults:
        raise ConfigError(tuple(faults))
    target = tables.pop(TARGET, {})
    return Profiles(path, shown, tables, target)


def with_profile(layer: Layer, profile: Profile) -> Layer:
    """The layer of a script with the options of ``profile`` over its own.

    Raises:
        ConfigError: it names a scenario that the script does not have.
    """
    values, places = dict(layer.values), dict(layer.places)
    for key, value in profile.options.items():
        if key == "scenarios" and isinstance(value, dict):
            values[key] = _scenarios(layer, value, profile.place, places)
            continue
        _put(values, key, value)
        places[key] = profile.place
        if _fold(key) in _SHORTCUTS:
            # As everywhere: whoever sets a workload in short replaces the scenarios below.
            for other in ("scenarios", "duration", "iterations", "stages"):
                if other not in profile.options:
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
