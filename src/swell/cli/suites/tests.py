"""Which tests a suite has: the scripts that its ``profiles.toml`` names, and the platform they are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swell.base.errors import ConfigError, Fault
from swell.config.profiles import PROFILES_FILE, Profiles, read_profiles
from swell.config.target import Target, read_target


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """One script with the platform that it is for."""

    suite: str
    script: Path
    target: Target

    @property
    def name(self) -> str:
        """Such as ``wwmaa/search``."""
        return f"{self.suite}/{self.script.stem}"


def find_tests(folders: Sequence[Path], profile: str) -> list[SuiteTest]:
    """The tests of the suites in ``folders``, or directly below them, in the order of their profiles.

    Raises:
        ConfigError: there is no suite, one does not know the profile, or a script is missing; all faults.
    """
    tests: list[SuiteTest] = []
    faults: list[Fault] = []
    for folder in folders:
        files = [folder / PROFILES_FILE]
        if not files[0].is_file():
            files = sorted(folder.glob(f"*/{PROFILES_FILE}"))
        if not files:
            message = f"there is no {PROFILES_FILE} in {folder} or in a folder below it"
            faults.append(Fault("DIR", message, "name the folder of a suite, such as suites/wwmaa"))
        for file in files:
            try:
                tests += _tests_of(read_profiles(file), profile)
            except ConfigError as error:
                faults += error.faults
    if faults:
        raise ConfigError(tuple(faults))
    return tests


def chosen(tests: Sequence[SuiteTest], only: Sequence[str]) -> list[SuiteTest]:
    """Those of ``tests`` whose name is among ``only`` (``search`` or ``wwmaa/search``), or all.

    Raises:
        ConfigError: a name is none of them.
    """
    if not only:
        return list(tests)
    found = [test for test in tests if test.name in only or test.script.stem in only]
    known = {name for test in found for name in (test.name, test.script.stem)}
    names = ", ".join(test.name for test in tests)
    faults = tuple(
        Fault("--test", f"there is no test {name!r}", f"there are: {names}")
        for name in only
        if name not in known
    )
    if faults:
        raise ConfigError(faults)
    return found


def _tests_of(profiles: Profiles, profile: str) -> list[SuiteTest]:
    target = read_target(profiles.target, profiles.shown)
    scripts = profiles.scripts(profile)
    missing = [script for script in scripts if not script.is_file()]
    if missing:
        raise ConfigError(
            tuple(Fault(f"{profiles.shown} [{profile}]", f"there is no {script}") for script in missing)
        )
    suite = profiles.path.absolute().parent.name
    return [SuiteTest(suite, script, target) for script in scripts]
