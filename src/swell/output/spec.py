"""What ``--out`` asks for: kinds, files and arguments; every fault in one list, nothing opened yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from swell.base.errors import ConfigError, ExitCode, Fault
from swell.base.units import parse_duration_ns

PLACE: Final = "--out"
KINDS: Final = ("csv", "json")
# Outputs of k6, or of its past, that are not here: a name of these begins an item of a comma list too.
ABSENT: Final = (
    "cloud",
    "datadog",
    "experimental-opentelemetry",
    "experimental-prometheus-rw",
    "influxdb",
    "kafka",
    "opentelemetry",
    "statsd",
    "web-dashboard",
)
TIME_FORMATS: Final = ("unix", "unix_milli", "unix_micro", "unix_nano", "rfc3339", "rfc3339_nano")
# k6's own default.
CSV_FILE: Final = "file.csv"
_CSV_ARGUMENTS: Final = ("fileName", "saveInterval", "timeFormat")


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output. ``file`` is empty for standard output; a name that ends in ``.gz`` is compressed."""

    kind: str
    file: str
    time_format: str = "unix"

    @property
    def shown(self) -> str:
        """As the description of the run names it, in k6's form."""
        if not self.file:
            return f"{self.kind}(stdout)"
        return f"{self.kind} ({self.file})"


def parse_outputs(given: Sequence[str], env: Mapping[str, str]) -> tuple[OutputSpec, ...]:
    """The outputs that ``given`` items (``KIND`` or ``KIND=ARGUMENT``) ask for.

    An item that begins with no output's name belongs to the one before it: a comma list was split there.
    ``env`` holds ``K6_CSV_*`` and ``SWELL_CSV_*``, which an item's own arguments outdo.

    Raises:
        ConfigError: with every fault, and k6's exit code for outputs, 255.
    """
    faults: list[Fault] = []
    specs = []
    for item in _joined(given):
        kind, _, argument = item.partition("=")
        if kind == "json":
            specs.append(OutputSpec("json", "" if argument == "-" else argument))
        elif kind == "csv":
            specs.append(_csv(argument, env, faults))
        else:
            hint = f"there are: {', '.join(KINDS)}"
            faults.append(Fault(PLACE, f"there is no output {kind!r} in this version", hint))
    files = [spec.file for spec in specs]
    twice = dict.fromkeys(file for file in files if files.count(file) > 1)
    faults += [Fault(PLACE, f"two outputs write to {file or 'standard output'}") for file in twice]
    if faults:
        raise ConfigError(tuple(faults), exit_code=ExitCode.OTHER)
    return tuple(specs)


def _joined(given: Sequence[str]) -> list[str]:
    items: list[str] = []
    for part in given:
        if items and part.partition("=")[0] not in (*KINDS, *ABSENT):
            items[-1] += f",{part}"
        else:
            items.append(part)
    return items


def _csv(argument: str, env: Mapping[str, str], faults: list[Fault]) -> OutputSpec:
    settings = {
        name: env.get(f"SWELL_CSV_{variable}") or env.get(f"K6_CSV_{variable}") or ""
        for name, variable in zip(_CSV_ARGUMENTS, ("FILENAME", "SAVE_INTERVAL", "TIME_FORMAT"), strict=True)
    }
    if "=" not in argument:
        settings["fileName"] = argument or settings["fileName"]
    else:
        for part in argument.split(","):
            name, _, value = part.partition("=")
            if name in _CSV_ARGUMENTS:
                settings[name] = value
            else:
                hint = f"there are: {', '.join(_CSV_ARGUMENTS)}"
                faults.append(Fault(PLACE, f"the csv output has no argument {name!r}", hint))
    if settings["saveInterval"]:
        # Lines are written as they come; what is no duration is a fault all the same, as in k6.
        try:
            parse_duration_ns(settings["saveInterval"])
        except ValueError as error:
            faults.append(Fault(PLACE, f"the csv output's saveInterval: {error}"))
    time_format = settings["timeFormat"] or TIME_FORMATS[0]
    if time_format not in TIME_FORMATS:
        hint = f"it is one of {', '.join(TIME_FORMATS)}"
        faults.append(Fault(PLACE, f"the csv output has no time format {time_format!r}", hint))
    file = settings["fileName"] or CSV_FILE
    return OutputSpec("csv", "" if file == "-" else file, time_format)
