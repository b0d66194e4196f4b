"""From flags, variables, config file and script to one plan, or to every fault in all of them at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO, cast

import msgspec

from swell.base.errors import ConfigError, ExitCode, Fault, SwellError
from swell.base.redaction import RedactedStream, Redactor
from swell.cli.parameters import command_line_layer, flag_options
from swell.cli.script_file import ScriptFile
from swell.cli.secret_sources import SecretSources, read_secret_sources
from swell.cli.system import System
from swell.config.environment import CommandSettings, command_settings, env_layer, script_environment
from swell.config.files import file_layer
from swell.config.layers import Layer
from swell.config.options import Options, ThresholdSpec
from swell.config.profiles import Profile, find_profiles, with_profile
from swell.config.resolve import Resolution, resolve
from swell.config.scenarios import ConstantArrivalRate, Scenario
from swell.config.table import RUN_OPTIONS, option
from swell.config.target import declared_target, guard
from swell.engine.script import ScriptExports
from swell.metrics.aggregate import SeriesRules, series_rules
from swell.metrics.model import Contains, Metric, MetricType
from swell.metrics.thresholds import parse_metric_key, validate_thresholds

# Where k6's own defaults differ from ours: a threshold without data passes, and requests name k6.
K6_DEFAULTS: Final = Options(require_data=False, user_agent="Grafana k6/2.2.0")
SAVE_HINT: Final = "name another directory with --results-dir, or give --no-save"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: the resolved options, and which series its thresholds and summary need."""

    exports: ScriptExports
    resolution: Resolution
    rules: SeriesRules
    # The options of the script as they were written, those of the profile over them.
    written: Layer

    @property
    def options(self) -> Options:
        """All options, scenarios apart."""
        return self.resolution.options

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, validated."""
        return self.resolution.scenarios


class Sources:
    """Everything but the script that options come from; its faults wait for those of the script."""

    def __init__(self, values: Mapping[str, Any], system: System, script: ScriptFile) -> None:
        """Read the flags in ``values``, the environment, config file and profile; raises nothing."""
        self._faults: tuple[Fault, ...] = ()
        self._directory = system.cwd
        flags = command_line_layer(values, flag_options(), system)
        run_names = {row.name for row in RUN_OPTIONS}
        run_flags = {name: value for name, value in flags.values.items() if name in run_names}
        self.command = CommandSettings()
        try:
            self.command = command_settings(flags.values, system.env)
        except ConfigError as error:
            self._faults += error.faults
        self._profile = self._find_profile(script)
        # Variables of the profile are below those of the process, as its options are below theirs.
        of_profile = dict(self._profile.env) if self._profile is not None else {}
        self.script_env = of_profile | script_environment(self.command, system.env)
        self._file = Layer("file", "config file")
        try:
            # A wrong flag elsewhere leaves no settings, but the file that was named is read all the same.
            named = str(flags.values.get("config") or self.command.config)
            self._file = file_layer(named, system.env, system.cwd)
        except ConfigError as error:
            self._faults += error.faults
        self.secrets = SecretSources()
        self._env = env_layer(system.env)
        self._cli = Layer("cli", flags.name, run_flags, flags.places, flags.directory)

    def read_secrets(self, system: System) -> Redactor:
        """Read what ``--secret-source`` names; what keeps it out of everything that is shown.

        All that ``system`` prints from now on goes through it: log, view, summary, the last error.

        Raises:
            ConfigError: a source cannot be read.
        """
        self.secrets = read_secret_sources(self.command.secret_source, system)
        redactor = Redactor(self.secrets.values())
        if self.secrets:
            system.stdout = cast("TextIO", RedactedStream(system.stdout, redactor))
            system.stderr = cast("TextIO", RedactedStream(system.stderr, redactor))
        return redactor

    def seed(self, otherwise: int) -> int:
        """The seed named outside the script, for what it draws while it loads; else ``otherwise``.

        One that is no number is a fault that ``plan`` reports.
        """
        for layer in (self._cli, self._env, self._file):
            written = str(layer.values.get("seed", ""))
            if written.isdecimal():
                return int(written) or otherwise
        return otherwise

    def front_end_arguments(self, script: ScriptFile) -> tuple[str, ...]:
        """What the front end of the script's language is told besides the script."""
        lock = self.command.module_lock
        if script.language != "k6":
            return ()
        pinned = ("module-lock", str(self._directory / lock)) if lock else ()
        secrets = self.secrets
        return (*pinned, "secrets", msgspec.json.encode(secrets).decode()) if secrets else pinned

    def plan(self, script: ScriptFile, exports: ScriptExports, *, sends: bool = False) -> Plan:
        """Resolve all layers for ``script``; ``sends`` says that it will be run, and so call its target.

        Raises:
            ConfigError: with every fault of flags, variables, config file, script and places to write to, and
                for what ``sends`` a host that looks like production and is not allowed.
        """
        layer, problems = self._script_layer(script, exports)
        metrics = tuple(
            Metric(name, MetricType(kind), Contains(what)) for name, kind, what in exports.metrics
        )
        faults = [*self._faults, *exports.faults, *problems, *self._unwritable(script.language)]
        faults += self._unguarded(script) if sends else []
        try:
            resolution = resolve(
                (self._file, layer, self._env, self._cli),
                exports.functions,
                defaults=K6_DEFAULTS if script.language == "k6" else None,
                check_threshold=_threshold_check(SeriesRules(metrics=metrics).known()),
            )
        except ConfigError as error:
            # k6 has another code for a script with nothing to run than for wrong options.
            code = error.exit_code if exports.functions else ExitCode.OTHER
            all_faults = (*faults, *error.faults)
            raise ConfigError(all_faults, warnings=error.warnings, exit_code=code) from None
        if script.language == "k6":
            resolution = replace(resolution, scenarios=tuple(map(_with_end, resolution.scenarios)))
        options = resolution.options
        faults += _suite_faults(resolution)
        if not faults and not options.no_save:
            faults += self._make_results_directory(options.results_dir)
        if faults:
            raise ConfigError(tuple(faults))
        keys = [] if options.no_thresholds else [parse_metric_key(key) for key in options.thresholds]
        rules = series_rules(metrics, keys, sections=options.summary_mode in {"full", "legacy"})
        return Plan(exports, resolution, rules, layer)

    def _find_profile(self, script: ScriptFile) -> Profile | None:
        name = self.command.profile
        if not name:
            return None
        try:
            return find_profiles(script.path.parent).profile(name, script.path)
        except ConfigError as error:
            self._faults += error.faults
            return None

    def _unguarded(self, script: ScriptFile) -> list[Fault]:
        """Faults for hosts that look like production, where the script's folder says what its target is."""
        try:
            target = declared_target(script.path.parent)
        except ConfigError as error:
            return list(error.faults)
        return [] if target is None else guard(target, self.script_env, self.command.allow_host)

    def _script_layer(self, script: ScriptFile, exports: ScriptExports) -> tuple[Layer, tuple[Fault, ...]]:
        layer = script_layer(script, exports)
        if self._profile is None:
            return layer, ()
        try:
            return with_profile(layer, self._profile), ()
        except ConfigError as error:
            return layer, error.faults

    def _unwritable(self, language: str) -> list[Fault]:
        """Faults for places that the run is to write to and cannot: better known now than after an hour."""
        faults = []
        is_k6 = language == "k6"
        directory, place = self._setting("results_dir", Options().results_dir)
        is_saved = self._setting("no_save", "false")[0].lower() in {"false", "f", "0"}
        problem = _directory_problem(self._directory / directory) if is_saved else ""
        if problem:
            faults.append(Fault(place, f"runs cannot be saved in {directory}: {problem}", SAVE_HINT))
        for name in ("summary_export", "console_output"):
            file, place = self._setting(name, "")
            if not file or (is_k6 and name == "summary_export"):
                # k6 says at the end that it could not be written, and so does a k6 script's run here.
                continue
            if problem := _file_problem(self._directory / file, makes_directory=name == "summary_export"):
                faults.append(Fault(place, f"{file} cannot be written: {problem}"))
        return faults

    def _make_results_directory(self, directory: str) -> list[Fault]:
        try:
            (self._directory / directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            place = self._setting("results_dir", directory)[1]
            return [Fault(place, f"runs cannot be saved in {directory}: {error.strerror}", SAVE_HINT)]
        return []

    def _setting(self, name: str, default: str) -> tuple[str, str]:
        """The text of an option that no script sets, as it was given, and its place; usable beside faults."""
        key = option(name).key
        for layer in (self._cli, self._env, self._file):
            for spelling in (name, key):
                if layer.values.get(spelling) is not None:
                    return str(layer.values[spelling]), layer.place((spelling,))
        return default, name


def script_layer(script: ScriptFile, exports: ScriptExports) -> Layer:
    """The option layer of a loaded script; files that it names are relative to its directory."""
    is_native = script.language != "k6"
    return Layer(
        "script", script.shown, exports.options, exports.places, script.path.parent, strict=is_native
    )


def _threshold_check(known: Mapping[str, Metric]) -> Any:
    def check(key: str, source: str | None) -> None:
        specs = () if source is None else (ThresholdSpec(source),)
        faults = validate_thresholds({key: specs}, known)
        if faults:
            hint = next((fault.hint for fault in faults if fault.hint), "")
            raise SwellError("; ".join(fault.message for fault in faults), hint=hint)

    return check


def _with_end(scenario: Scenario) -> Scenario:
    """As in k6: an arrival on the very end of a constant rate starts, where it has grace to run."""
    if isinstance(scenario, ConstantArrivalRate) and scenario.graceful_stop_ns:
        return msgspec.structs.replace(scenario, includes_end=True)
    return scenario


def _suite_faults(resolution: Resolution) -> list[Fault]:
    """Cipher suites that there are none of, each at its place: what is known lies with the client."""
    if not resolution.options.tls_cipher_suites:
        return []
    from swell.net.tls import check_suites  # noqa: PLC0415 - rarely needed, and OpenSSL with it

    found: list[Fault] = []
    check_suites(resolution.options.tls_cipher_suites, found)
    place = resolution.origins["tls_cipher_suites"]
    return [
        Fault(fault.place.replace("tls_cipher_suites", place), fault.message, fault.hint) for fault in found
    ]


def _directory_problem(path: Path) -> str:
    """Why files cannot be made in ``path``, which is made when the first run is saved; empty if they can."""
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        return f"{path} is a file"
    return "" if os.access(path, os.W_OK | os.X_OK) else f"no permission to write in {path}"


def _file_problem(path: Path, *, makes_directory: bool) -> str:
    """Why ``path`` cannot be written, if need be with its directory made; empty if it can."""
    if path.is_dir():
        return "it is a directory"
    if makes_directory and not path.parent.is_dir():
        return _directory_problem(path.parent)
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}"
    target = path if path.exists() else path.parent
    return "" if os.access(target, os.W_OK) else "no permission"
