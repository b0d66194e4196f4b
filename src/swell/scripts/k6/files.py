"""The script's own modules: where they are, and their source as ES modules.

A module is named by its URL: ``file:///dir/a.js``, ``https://host/a.js``, ``file:///-`` for standard input.
Relative imports start from the importing module; a script reads only what it names by a path.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from swell.scripts.k6.bundled import BundledModule, find_bundled
from swell.scripts.k6.engine import JSFailure
from swell.scripts.k6.octals import without_octals
from swell.scripts.k6.remote import RemoteModules
from swell.scripts.k6.throws import with_places
from swell.scripts.k6.values import HostError

STDIN: Final = "file:///-"
_FILE: Final = "file://"
_HTTPS: Final = "https://"
# How CommonJS modules export their ``module.exports`` besides the default.
RAW_EXPORTS: Final = "module.exports"

_ESM: Final = re.compile(
    r"""(?:^|[;}\n])\s*(?:import\s*(?:["'{*]|[\w$]+\s*(?:,|\bfrom\b))|export\s*(?:[{*]|default\b|const\b|let\b|var\b|function\b|class\b|async\b))"""
    r"""|^\s*await\b|\bimport\.meta\b""",
    re.MULTILINE,
)
# What only CommonJS modules need, and what ES modules have now and then.
_COMMON_JS: Final = re.compile(r"\bmodule\s*\.\s*exports\b|\bexports\s*[.\[,)]|\brequire\s*\(")
_COMMENTS: Final = re.compile(r"/\*.*?\*/|^\s*//[^\n]*$", re.DOTALL | re.MULTILINE)
# Modules that another one takes as a whole: `import * as x from`, `export * from`.
_WHOLE: Final = re.compile(r"""\b(?:import|export)\s*\*\s*(?:as\s+[\w$]+\s+)?from\s*["']([^"'\n]+)["']""")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*")
_EXPORTED: Final = re.compile(r"\bexports\.([A-Za-z_$][\w$]*)\s*=[^=]")
_RESERVED: Final = frozenset({"default", "__esModule"})


class ScriptFiles:
    """Finds, reads and prepares the modules of one script.

    Args:
        main: the main module's name.
        contents: modules that are there already, by name: an archive's, standard input.
        remote: the https modules.
        directory: the absolute folder that a script over standard input stands in.
    """

    def __init__(
        self,
        main: str,
        contents: Mapping[str, bytes] | None = None,
        remote: RemoteModules | None = None,
        directory: str = "",
    ) -> None:
        self.main = main
        self._contents = dict(contents or {})
        self._is_closed = contents is not None and main != STDIN
        self.remote = remote or RemoteModules()
        self._directory = directory
        self.absent: dict[str, set[str]] = {}
        self._whole: set[str] = set()
        # What was read, by name, where somebody set a dictionary: for an archive.
        self.seen: dict[str, bytes] | None = None

    def resolve(self, base: str, specifier: str) -> str:
        """The name of what ``base`` imports; raises ``HostError`` for what is no place of a module."""
        if specifier.startswith(_HTTPS):
            return specifier
        if find_bundled(specifier) is not None:
            # Scripts of old import libraries without a scheme, or over http.
            return _HTTPS + specifier.rpartition("://")[2]
        if base.startswith(_HTTPS):
            if specifier.startswith(("./", "../", "/")):
                return urljoin(base, specifier)
            raise HostError(f'"{base}" may not import "{specifier}": it came over the network', "Error")
        if specifier.startswith(_FILE):
            return file_name(unquote(specifier.removeprefix(_FILE)))
        if specifier.startswith("/"):
            return file_name(specifier)
        if specifier.startswith(("./", "../", ".")):
            return file_name(f"{self._folder(base)}/{specifier}")
        near = f'; a file beside the script is "./{specifier}"' if "/" not in specifier else ""
        raise HostError(
            f'the module "{specifier}" is neither one of k6\'s nor a path (./, ../, /, file://) nor https://'
            f"{near}; packages of npm have to be bundled into a file",
            "Error",
        )

    def open(self, bases: Sequence[str], path: str) -> tuple[str, bytes]:
        """A file for ``open()``: relative to the first of ``bases`` that has it, else to the main script.

        Raises ``HostError`` in k6's words for what cannot be opened.
        """
        if not path:
            raise HostError("open() can't be used with an empty filename")
        if path.startswith(("/", _FILE)):
            candidates = [file_name(unquote(path.removeprefix(_FILE)))]
        else:
            folders = [self._folder(base) for base in (*bases, self.main) if base.startswith(_FILE)]
            candidates = list(dict.fromkeys(file_name(f"{folder}/{path}") for folder in folders))
        for name in candidates:
            try:
                return name, self.read(name)
            except HostError as error:
                problem = error
        if not self._is_closed:
            told = path_of(candidates[-1])
            if Path(told).is_dir():
                problem = HostError(f'open() can\'t be used with directories, path: "{told}"')
            elif not Path(told).exists():
                problem = HostError(f"stat {told}: no such file or directory")
        raise problem

    def read(self, name: str) -> bytes:
        """The bytes of a file; raises ``HostError``."""
        content = self._contents.get(name)
        if content is not None:
            return self._note(name, content)
        path = path_of(name)
        if self._is_closed:
            raise HostError(f'"{path}" is not in the archive', "GoError")
        try:
            return self._note(name, Path(path).read_bytes())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise HostError(f'"{path}" cannot be read: {reason}', "GoError") from None

    def source(self, name: str) -> str:
        """The module as an ES module, its lines where they were; raises ``HostError``."""
        bundled = self._bundled(name)
        if bundled is not None:
            if bundled.runs_in_k6:
                # k6 takes it from an archive, too; the others it fetches.
                self._note(name, bundled.source.encode())
            return bundled.source
        text = self._text(name)
        suffix = PurePosixPath(urlsplit(name).path).suffix
        if suffix == ".json":
            return f"export default {_json_text(text, name)};"
        if suffix in {".ts", ".mts", ".cts"} or name == STDIN:
            text = _translated(text, name)
        text = with_places(without_octals(text))
        if suffix == ".cjs" or not is_es_module(text):
            return common_js(text, name, self.absent.get(name, set()))
        if "*" in text:
            self._note_whole_imports(name, text)
        return text

    def admit(self, name: str, export: str) -> bool:
        """Note an export that somebody imports from a CommonJS module; False where that cannot help."""
        if self._bundled(name) is not None:
            return False
        known = self.absent.setdefault(name, set())
        if export in known or is_es_module(self._text(name)):
            return False
        known.add(export)
        return True

    def learn(self, exported: Mapping[str, Sequence[str]]) -> list[str]:
        """Which CommonJS modules have exports that those who import them as a whole do not see yet.

        ``exported`` are the names of what each turned out to export; from now on they are seen.
        """
        changed = []
        for name in self._whole & exported.keys():
            named = {key for key in exported[name] if _IDENTIFIER.fullmatch(key)}
            known = self.absent.setdefault(name, set())
            if not named <= known | set(_EXPORTED.findall(self._text(name))) | _RESERVED:
                known |= named
                changed.append(name)
        return changed

    def _note_whole_imports(self, name: str, text: str) -> None:
        for specifier in _WHOLE.findall(text):
            if "/" in specifier:
                with suppress(HostError):
                    self._whole.add(self.resolve(name, specifier))

    def _bundled(self, name: str) -> BundledModule | None:
        """Our own implementation of a remote library; what an archive brings along goes first."""
        if not name.startswith(_HTTPS) or name in self._contents:
            return None
        return find_bundled(name)

    def _folder(self, name: str) -> str:
        return self._directory if name == STDIN else path_of(name).rpartition("/")[0]

    def _note(self, name: str, content: bytes) -> bytes:
        if self.seen is not None:
            self.seen[name] = content
        return content

    def _text(self, name: str) -> str:
        if name.startswith(_HTTPS):
            content = self._contents.get(name)
            text = self.remote.source(name) if content is None else content.decode(errors="replace")
            self._note(name, text.encode("utf-8", "surrogatepass"))
            return text
        return self.read(name).decode("utf-8-sig", "replace")


def file_name(path: str) -> str:
    """The module name of an absolute path, with ``.`` and ``..`` taken out."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return f"{_FILE}/{quote('/'.join(parts), safe='/@:+~!$&()*,;=')}"


def path_of(name: str) -> str:
    """The path of a file module."""
    return unquote(name.removeprefix(_FILE))


def is_es_module(text: str) -> bool:
    """Whether the source imports, exports or awaits at its top level; else it is CommonJS, as in k6."""
    if _ESM.search(text) is None:
        return False
    if _COMMON_JS.search(text) is None:
        return _ESM.search(_COMMENTS.sub("", text)) is not None
    # It may be either: texts and functions hold lines that look like a module's own.
    from swell.scripts.k6.typescript.parsing import is_module  # noqa: PLC0415  # a parser, for few

    return is_module(text.encode("utf-8", "surrogatepass"))


def common_js(text: str, name: str, wanted: set[str]) -> str:
    """A CommonJS module as an ES module: its exports are the default, and those asked for by name."""
    names = sorted((wanted | set(_EXPORTED.findall(text))) - _RESERVED)
    exported = "".join(f"const $e{i} = $m.exports?.{export};" for i, export in enumerate(names))
    listed = "".join(f", $e{i} as {export}" for i, export in enumerate(names))
    if text.startswith("#!"):
        text = f"//{text}"
    return (
        f"const $m = {{ exports: {{}} }}; globalThis.require.begun.set({json.dumps(name)}, $m);"
        f" (function (module, exports, require) {{ {text}\n"
        f"}}).call($m.exports, $m, $m.exports, globalThis.require);\n"
        f"const $x = $m.exports, $d = Object($x) === $x && 'default' in $x ? $x.default : $x;\n"
        f"{exported} export {{ $d as default, $x as '{RAW_EXPORTS}'{listed} }};"
    )


def _json_text(text: str, name: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise HostError(f'"{name}" is no JSON: {error}', "SyntaxError") from None
    # These two end a line in JavaScript of old, but not in JSON.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _translated(text: str, name: str) -> str:
    from swell.scripts.k6.typescript import TypeScriptError, translate  # noqa: PLC0415  # a parser, for few

    try:
        return translate(text, name)
    except TypeScriptError as error:
        # As QuickJS tells syntax errors: the message, and the place as a frame.
        place = f"    at {name}:{error.line}:{error.column}"
        raise JSFailure(f"SyntaxError: {error.message}", place) from None
