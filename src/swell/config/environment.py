"""The environment: its option layer, the command's own settings, and the variables of the script."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Literal

from swell.config.layers import Findings, Layer, Where
from swell.config.row import Option
from swell.config.table import COMMAND_OPTIONS, OPTIONS, RUN_OPTIONS, option

# In this order: the first that is set and not empty wins.
PREFIXES: Final = ("SWELL_", "K6_")

_VARIABLE: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Near enough to be a slip of the keyboard; scripts may have SWELL_ variables of their own.
_NEAR: Final = 0.87


def variable_names(row: Option) -> tuple[str, ...]:
    """Name the variables that set ``row``, the one that wins first; swell's own options have no K6_ form."""
    if not row.env or "env" not in row.sources:
        return ()
    prefixes = PREFIXES[:1] if row.own else PREFIXES
    return tuple(prefix + row.env for prefix in prefixes)


def env_layer(environ: Mapping[str, str]) -> Layer:
    """Make the layer of the run options that ``environ`` sets; an empty variable sets nothing, as in k6."""
    values: dict[str, object] = {}
    places: dict[str, str] = {}
    for row in RUN_OPTIONS:
        for variable in variable_names(row):
            if environ.get(variable):
                values[row.name] = environ[variable]
                places[row.name] = variable
                break
    return Layer("env", "environment", values, places, notes=_misspelt(environ))


def _misspelt(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Warn of variables that are nearly one of ours: a slip would otherwise change nothing in silence."""
    known = {variable for row in OPTIONS for variable in variable_names(row)}
    notes = []
    for variable in sorted(environ):
        if variable.startswith(PREFIXES) and variable not in known:
            near = get_close_matches(variable, known, n=1, cutoff=_NEAR)
            if near:
                notes.append(f"{variable}: no option has this variable; did you mean {near[0]}?")
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What concerns the command, not the run; ``env`` are the variables given with ``-e``."""

    env: Mapping[str, str] = field(default_factory=dict)
    include_system_env_vars: bool = True
    profile: str = ""
    allow_host: tuple[str, ...] = ()
    module_lock: str = ""
    secret_source: tuple[str, ...] = ()
    config: str = ""
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    log_format: Literal["text", "json", "raw"] = "text"
    log_output: str = "stderr"


def command_settings(flags: Mapping[str, object], environ: Mapping[str, str]) -> CommandSettings:
    """Read the command's own settings from its flags, then from ``environ``.

    ``flags`` holds what was given, under the names of the table's rows, as text.

    Raises:
        ConfigError: a variable's name or a value is wrong; it lists all faults.
    """
    findings = Findings()
    values: dict[str, Any] = {}
    for row in COMMAND_OPTIONS:
        if row.name in flags and row.name != "env":
            values[row.name] = row.type.parse(flags[row.name], _flag_place(row.name), findings)
    for name in ("include_system_env_vars", "secret_source", "profile", "config", "log_format", "log_output"):
        for variable in variable_names(option(name)):
            if name not in values and environ.get(variable):
                where = Where(Layer("env", "environment", places={name: variable}), (name,))
                values[name] = option(name).type.parse(environ[variable], where, findings)
    # Any value but the empty one switches colours off (k6); NO_COLOR counts even when empty (no-color.org).
    if "NO_COLOR" in environ or any(environ.get(name) for name in variable_names(option("no_color"))):
        values.setdefault("no_color", True)
    variables = script_variables(flags.get("env") or (), findings)
    findings.raise_if_any()
    return CommandSettings(env=variables, **values)


def _flag_place(name: str) -> Where:
    return Where(Layer("cli", "command line", places={name: option(name).flags[-1]}), (name,))


def script_variables(given: Any, findings: Findings) -> dict[str, str]:
    """Read ``-e NAME=VALUE`` items; without ``=`` the value is empty (it is not copied), as in k6."""
    variables: dict[str, str] = {}
    for item in [given] if isinstance(given, str) else given:
        name, _, value = str(item).partition("=")
        if _VARIABLE.fullmatch(name):
            variables[name] = value
        else:
            hint = "use letters, digits and _, and no digit first: -e NAME=VALUE"
            findings.fault(_flag_place("env"), f"{name!r} is not a variable's name", hint)
    return variables


def script_environment(settings: CommandSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that the script sees: the process's, where included, below those of ``-e``."""
    inherited = dict(environ) if settings.include_system_env_vars else {}
    return inherited | dict(settings.env)
