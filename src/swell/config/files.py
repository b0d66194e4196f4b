"""The config file: a JSON object of options, in k6's spelling or in snake case."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from swell.base.errors import ConfigError, Fault
from swell.config.layers import Layer

DEFAULT_FILE: Final = Path("swell", "config.json")


def default_config_path(environ: Mapping[str, str]) -> Path:
    """Give the path of the config file that is read where none is named."""
    home = environ.get("XDG_CONFIG_HOME")
    base = Path(home) if home else Path(environ.get("HOME") or Path.home(), ".config")
    return base / DEFAULT_FILE


def file_layer(named: str, environ: Mapping[str, str], directory: Path | None = None) -> Layer:
    """Read the config file ``named`` (relative to ``directory``), or the default one where the name is empty.

    A default file that does not exist is an empty layer; a named one must exist.

    Raises:
        ConfigError: the file cannot be read, or is no JSON object; with line and column.
    """
    path = Path(directory or Path(), Path(named).expanduser()) if named else default_config_path(environ)
    name = named or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        if not named:
            return Layer("file", name, directory=path.parent)
        raise _unreadable(name, "does not exist", "check the path given with --config") from error
    except UnicodeDecodeError as error:
        raise _unreadable(name, f"is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise _unreadable(name, f"cannot be read: {error.strerror}") from error
    return Layer("file", name, parse_config(text, name), directory=path.parent)


def parse_config(text: str, name: str) -> dict[str, Any]:
    """Parse a config file's text; an empty one sets nothing.

    Raises:
        ConfigError: ``text`` is no JSON object, or names a key twice.
    """
    if not text.strip():
        return {}
    repeated: list[str] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in pairs:
            if key in built:
                repeated.append(key)
            built[key] = value
        return built

    try:
        value = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        message = f"is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise ConfigError((Fault(place, message, _json_hint(text, error)),)) from error
    except RecursionError as error:
        raise _unreadable(name, "is nested too deeply") from error
    if not isinstance(value, dict):
        raise _unreadable(name, "must be a JSON object", 'write it like {"vus": 10, "duration": "30s"}')
    if repeated:
        raise ConfigError(tuple(Fault(name, f"has the key {key!r} twice") for key in dict.fromkeys(repeated)))
    return value


def _unreadable(name: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError((Fault(name, message, hint),))


def _json_hint(text: str, error: json.JSONDecodeError) -> str:
    """Name the usual slips: a comma too many, a comment, single quotes."""
    # The decoder stands before the offending character, or behind the comma that should not be there.
    rest = text[error.pos :].lstrip()
    if rest[:1] in {"}", "]", ","}:
        return "JSON allows no comma after the last entry"
    if rest[:2] in {"//", "/*"} or rest[:1] == "#":
        return "JSON has no comments"
    return 'JSON texts and keys stand in double quotes (")' if rest[:1] == "'" else ""
