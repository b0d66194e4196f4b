"""Short ways to make layers and to see what becomes of them; shared by the tests of the configuration."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from swell.base.errors import ConfigError
from swell.config.layers import Layer
from swell.config.resolve import Resolution, resolve

FUNCTIONS = ("default", "search", "pay")


def script(places: Mapping[str, str] | None = None, /, **options: object) -> Layer:
    """The options of a script."""
    return Layer("script", "script.py", options, places or {})


def native(**options: object) -> Layer:
    """The options of a native script, which are judged strictly."""
    return Layer("script", "script.py", options, {}, strict=True)


def file(**options: object) -> Layer:
    """The options of a config file."""
    return Layer("file", "config.json", options, directory=Path("/etc"))


def env(**options: object) -> Layer:
    """Options set by variables."""
    return Layer("env", "environment", options, {name: f"SWELL_{name.upper()}" for name in options})


def cli(**options: object) -> Layer:
    """Options set by flags."""
    places = {
        name: "--" + {"stages": "stage", "tags": "tag"}.get(name, name.replace("_", "-")) for name in options
    }
    return Layer("cli", "command line", options, places)


def resolved(*layers: Layer, functions: tuple[str, ...] = FUNCTIONS) -> Resolution:
    """What the layers come to."""
    return resolve(layers, functions)


def faults(*layers: Layer, functions: tuple[str, ...] = FUNCTIONS) -> list[str]:
    """Every fault as ``place: message``."""
    with pytest.raises(ConfigError) as caught:
        resolve(layers, functions)
    return [f"{fault.place}: {fault.message}" for fault in caught.value.faults]


def hints(*layers: Layer, functions: tuple[str, ...] = FUNCTIONS) -> list[str]:
    """The hint of every fault."""
    with pytest.raises(ConfigError) as caught:
        resolve(layers, functions)
    return [fault.hint for fault in caught.value.faults]
