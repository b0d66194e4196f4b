"""Modules of one worker, compiled once; ``VUModules`` is a virtual user's view of them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from swell.scripts.k6 import builtins, repeats
from swell.scripts.k6.core import CORE_MODULE
from swell.scripts.k6.engine import Context, JSFailure
from swell.scripts.k6.factories import SHARED, Factory, factory
from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# What QuickJS says where a module lacks an export that another one imports.
_NO_EXPORT: Final = re.compile(r"Could not find export '([^']+)' in module '([^']+)'")


class UserModules(Protocol):
    """Where the script's own modules are found."""

    def resolve(self, base: str, specifier: str) -> str:
        """The full name of a module that is not builtin; raises ``HostError``."""
        ...

    def source(self, name: str) -> str:
        """Its source as an ES module; raises ``HostError``."""
        ...

    def admit(self, name: str, export: str) -> bool:
        """Note what others import from a CommonJS module; False where the module cannot have it."""
        ...

    def learn(self, exported: Mapping[str, Sequence[str]]) -> list[str]:
        """Which CommonJS modules export more than those see who import them as a whole."""
        ...


class ModuleCache:
    """Bytecode by module name, shared by the VUs of a worker."""

    def __init__(self, user: UserModules) -> None:
        self.user = user
        self._bytecode: dict[str, bytes] = {}
        self._factories: dict[str, Factory | None] = {}
        # Names that scripts import from builtin modules without their having them.
        self._absent: dict[str, set[str]] = {}
        self._uses_meta: set[str] = set()
        # Who asked for a module first, for messages: name -> importing module.
        self._importers: dict[str, str] = {}

    def resolve(self, base: str, specifier: str) -> str:
        """The full name of what ``base`` imports; raises ``HostError`` that names ``base``."""
        try:
            name = self._resolve(base, specifier)
        except HostError as error:
            raise HostError(f"{error.message} (imported by {base})", error.name) from None
        if base != CORE_MODULE:
            self._importers.setdefault(name, base)
        return name

    def _resolve(self, base: str, specifier: str) -> str:
        if base == CORE_MODULE:
            # What we load ourselves has its full name.
            return specifier
        if specifier.startswith(builtins.PREFIX):
            if not builtins.is_builtin(base):
                raise HostError(f'unknown module "{specifier}"', "Error")
            return specifier
        specifier = builtins.ALIASES.get(specifier, specifier)
        if builtins.is_builtin(specifier):
            if specifier not in builtins.names():
                raise HostError(builtins.unknown(specifier), "Error")
            return specifier
        return self.user.resolve(base, specifier)

    def bytecode(self, context: Context, name: str) -> bytes:
        """The compiled module; raises ``HostError`` or ``JSFailure`` where it cannot be had."""
        found = self._bytecode.get(name)
        if found is None:
            made = self.factory(name)
            if made is not None:
                found = context.compile(made.source, name, keep_lines=False, is_module=False)
                self._bytecode[name] = found
                return found
            is_builtin = builtins.is_builtin(name)
            source = self._builtin(name) if is_builtin else self._source(name)
            if not is_builtin and "import.meta" in source:
                self._uses_meta.add(name)
            found = self._bytecode[name] = _compiled(context, source, name, keep_lines=not is_builtin)
        return found

    def factory(self, name: str) -> Factory | None:
        """The module as a function, where the VUs of a runtime share its code."""
        if name not in SHARED:
            return None
        if name not in self._factories:
            self._factories[name] = factory(self._builtin(name))
        return self._factories[name]

    def _builtin(self, name: str) -> str:
        """The source of a builtin module, with what scripts import in vain."""
        source, absent = builtins.source(name), sorted(self._absent.get(name, ()))
        if absent:
            value = builtins.absent_value(name)
            source += f"\nexport const {', '.join(f'{export} = {value}' for export in absent)};\n"
        return source

    def _source(self, name: str) -> str:
        try:
            return self.user.source(name)
        except HostError as error:
            importer = self._importers.get(name)
            told = f" (imported by {importer})" if importer else ""
            raise HostError(f"{error.message}{told}", error.name) from None

    def uses_meta(self, name: str) -> bool:
        """Whether the module ``name``, compiled before, asks for ``import.meta``."""
        return name in self._uses_meta

    def admit(self, message: str) -> bool:
        """Note the export that a builtin module lacks according to an error; False if it tells of none.

        In k6 such an import is null or undefined. After it, the script has to be loaded again in a new
        context.
        """
        found = _NO_EXPORT.search(message)
        if found is None:
            return False
        export, told = found[1], found[2]
        if builtins.is_builtin(told):
            return self._admit_builtin(told, export)
        # The message has room for 63 bytes of a name, so that several may be meant.
        meant = [name for name in self._bytecode if name.encode()[:63] == told.encode()[:63]]
        for name in meant:
            del self._bytecode[name]
        # All of them, not up to the first.
        return sum(self.user.admit(name, export) for name in meant) > 0

    def learn(self, exported: Mapping[str, Sequence[str]]) -> bool:
        """Take note of what CommonJS modules export; True where the script has to be loaded again for it."""
        changed = self.user.learn(exported)
        for name in changed:
            self._bytecode.pop(name, None)
        return bool(changed)

    def _admit_builtin(self, module: str, export: str) -> bool:
        absent = self._absent.setdefault(module, set())
        if export in absent:
            return False
        absent.add(export)
        self._bytecode.pop(module, None)
        self._factories.pop(module, None)
        return True


def _compiled(context: Context, source: str, name: str, *, keep_lines: bool) -> bytes:
    try:
        return context.compile(source, name, keep_lines=keep_lines)
    except JSFailure as failure:
        if repeats.MESSAGE not in failure.message:
            raise
        return context.compile(repeats.without_repeats(source), name, keep_lines=keep_lines)


class VUModules:
    """What the context of one VU sees of a worker's modules."""

    __slots__ = ("_cache", "_vu")

    def __init__(self, cache: ModuleCache, vu: "VUHost") -> None:
        self._cache = cache
        self._vu = vu

    def resolve(self, base: str, specifier: str) -> str:
        """As ``ModuleCache.resolve``."""
        return self._cache.resolve(base, specifier)

    def bytecode(self, context: Context, name: str) -> bytes:
        """As ``ModuleCache.bytecode``."""
        return self._cache.bytecode(context, name)

    def factory(self, name: str) -> Factory | None:
        """As ``ModuleCache.factory``."""
        return self._cache.factory(name)

    def is_host(self, name: str) -> bool:
        """Whether ``name`` is a Python half."""
        return name.startswith(builtins.HOST_PREFIX)

    def host(self, name: str) -> Mapping[str, HostFunction]:
        """The functions of a Python half for this VU."""
        return builtins.host_functions(name.removeprefix(builtins.HOST_PREFIX), self._vu)

    def meta_url(self, name: str) -> str:
        """A module's name is its URL."""
        return name if self._cache.uses_meta(name) else ""
