"""The faults that a suite must notice: ``faults.toml`` beside its profiles.

    [[fault]]
    name = "a webhook in five is forgotten"
    tests = ["webhooks"]
    inject = [{ type = "drop_webhooks", rate = 0.2 }]
    fails = ["invariant: every webhook was processed once"]

``inject`` goes to the platform as it is; ``fails`` is the exact set of objectives and invariants that fail,
``unseen`` that of the objectives for which nothing is left to be judged. ``profile`` is the size of the load
where that of the others has too few users for what the fault leaves of it.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from swell.base.errors import ConfigError, Fault
from swell.cli.suites.tests import SuiteTest

FAULTS_FILE = "faults.toml"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    tests: tuple[str, ...]
    inject: tuple[dict[str, Any], ...]
    fails: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    profile: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fault: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One run that is a proof: a test, the fault that its target has, and what must fail, exactly.

    ``unseen`` are the objectives that must have no data, which proves nothing of them. ``profile`` is the
    size of the load, empty where the file says none.
    """

    test: SuiteTest
    fault: str = ""
    inject: tuple[dict[str, Any], ...] = ()
    fails: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    profile: str = ""

    @property
    def name(self) -> str:
        """What the case is called; without a fault the target is healthy."""
        return self.fault or "none: healthy"


def cases_of(tests: Sequence[SuiteTest]) -> list[Case]:
    """For each test the healthy target, where nothing may fail, then each fault that it must notice.

    Raises:
        ConfigError: a file cannot be read, or names a test that does not exist.
    """
    files = {test.script.parent: _read(test.script.parent / FAULTS_FILE) for test in tests}
    faults = [
        Fault(f"{folder.name}/{FAULTS_FILE}: {entry.name}", f"there is no test {name!r} in this suite")
        for folder, file in files.items()
        for entry in file.fault
        for name in entry.tests
        if not (folder / f"{name}.py").is_file()
    ]
    if faults:
        raise ConfigError(tuple(faults))
    cases = []
    for test in tests:
        entries = [one for one in files[test.script.parent].fault if test.script.stem in one.tests]
        cases.append(Case(test))
        cases += [
            Case(test, one.name, one.inject, frozenset(one.fails), frozenset(one.unseen), one.profile)
            for one in entries
        ]
    return cases


def with_faults(cases: Sequence[Case], only: Sequence[str]) -> list[Case]:
    """The healthy cases, and those whose fault is among ``only``; all where that is empty.

    Raises:
        ConfigError: there is no such fault.
    """
    known = list(dict.fromkeys(case.fault for case in cases if case.fault))
    missing = [name for name in only if name not in known]
    if missing:
        there = f"there are: {', '.join(known)}"
        raise ConfigError(
            tuple(Fault("--fault", f"there is no fault {name!r} for these tests", there) for name in missing)
        )
    return [case for case in cases if not only or not case.fault or case.fault in only]


def _read(path: Path) -> _File:
    shown = f"{path.parent.name}/{path.name}"
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except FileNotFoundError:
        return _File()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError((Fault(shown, f"cannot be read: {error}"),)) from error
