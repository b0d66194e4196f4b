"""``env``: the variables of the run (``-e NAME=value`` over the process's own) as attributes or items."""

import os
from collections.abc import Iterator, Mapping
from typing import NoReturn

from swell.engine.vu import current_vu
from swell.scripts.native.state import loading


class MissingVariable(AttributeError, KeyError):  # noqa: N818  # reads as what it reports
    """The script uses a variable that nobody set."""

    __module__ = "swell"

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {name} is not set; pass it with: -e {name}=value")
        self.variable = name

    def __str__(self) -> str:
        return str(self.args[0])


class Environment(Mapping[str, str]):
    """Reads ``env.NAME``, ``env["NAME"]``, ``env.get("NAME", default)``; a scenario's ``env`` comes first."""

    __slots__ = ()

    def _current(self) -> Mapping[str, str]:
        vu = current_vu.get(None)
        if vu is not None:
            return vu.env
        declarations = loading.get()
        return os.environ if declarations is None else declarations.env

    def __getattr__(self, name: str) -> str:
        # As ``_current``, without the call: scripts read their target's address with every request.
        vu = current_vu.get(None)
        value = (self._current() if vu is None else vu.env).get(name)
        if value is None:
            raise MissingVariable(name)
        return value

    def __getitem__(self, name: str) -> str:
        value = self._current().get(name)
        if value is None:
            raise MissingVariable(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __repr__(self) -> str:
        # Not the values: they hold passwords, and this ends up in logs.
        return f"<env of {len(self)} variables>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: VUs share the environment."""
        raise AttributeError(f"env.{name} cannot be set; keep state in variables, or pass -e {name}=value")


env = Environment()
