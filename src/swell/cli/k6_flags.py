"""Flags of k6 that swell has no use for: what happens where a command line of k6's is used as it is.

Some mean nothing here and are passed over, some have a form of ours, and some would change what a run is and
are refused with the reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from swell.base.errors import ConfigError, Fault

_PARTS: Final = "a part of a plan cannot be run by itself; use --workers to spread the load"


@dataclass(frozen=True, slots=True)
class K6Flag:
    """One flag: whether it takes a value, and what becomes of it.

    ``instead`` is a flag of ours that takes its place, with its value where it ends in "="; ``refused`` says
    why it cannot be; with neither it is passed over. ``harmless`` are values for which a refused one
    is passed over.
    """

    flags: tuple[str, ...]
    about: str
    has_value: bool = False
    instead: str = ""
    refused: str = ""
    harmless: frozenset[str] = frozenset()


K6_FLAGS: Final = (
    K6Flag(("--no-usage-report",), "swell reports nothing to anybody"),
    K6Flag(("-l", "--linger"), "there is no server to keep up"),
    K6Flag(("-a", "--address"), "there is no REST server", has_value=True),
    K6Flag(("--profiling-enabled",), "there is no REST server"),
    K6Flag(("--compatibility-mode",), "the language is always the newest", has_value=True),
    K6Flag(("-t", "--type"), "the kind of a script is found by its content", has_value=True),
    K6Flag(("--features",), "there are no features to switch on", has_value=True),
    K6Flag(("--no-archive-upload",), "nothing is uploaded"),
    K6Flag(("--no-summary",), "k6 before 2.0", instead="--summary-mode=disabled"),
    K6Flag(("--logformat",), "k6 before 0.48", has_value=True, instead="--log-format="),
    K6Flag(
        ("-p", "--paused"),
        "runs start at once",
        refused="a run cannot be started paused",
        harmless=frozenset({"false"}),
    ),
    K6Flag(
        ("--execution-segment",),
        "runs are whole",
        has_value=True,
        refused=_PARTS,
        harmless=frozenset({"", "0:1", "100%"}),
    ),
    K6Flag(
        ("--execution-segment-sequence",),
        "runs are whole",
        has_value=True,
        refused=_PARTS,
        harmless=frozenset({"", "0,1"}),
    ),
    K6Flag(
        ("--traces-output",),
        "there are no traces",
        has_value=True,
        refused="swell writes no traces",
        harmless=frozenset({"none"}),
    ),
    K6Flag(("--upload-only",), "there is no cloud", refused="nothing can be uploaded"),
)

_BY_FLAG: Final[Mapping[str, K6Flag]] = MappingProxyType(
    {flag: row for row in K6_FLAGS for flag in row.flags}
)


def translate_k6_flags(arguments: Iterable[str]) -> list[str]:
    """The arguments without k6's flags that mean nothing here, and with ours in place of others.

    Raises:
        ConfigError: with every flag that is refused.
    """
    kept: list[str] = []
    faults: list[Fault] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*kept, word, *words] if not faults else _refuse(faults)
        name, equals, value = word.partition("=")
        row = _BY_FLAG.get(name)
        if row is None:
            kept.append(word)
            continue
        if row.has_value and not equals:
            value = next(words, "")
        if row.instead:
            kept.append(row.instead + value if row.instead.endswith("=") else row.instead)
        elif row.refused and value not in row.harmless:
            faults.append(Fault(name, "is not supported", row.refused))
    return kept if not faults else _refuse(faults)


def _refuse(faults: list[Fault]) -> list[str]:
    raise ConfigError(tuple(faults))
