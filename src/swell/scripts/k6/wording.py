"""The engine's own errors in the words that k6's engine has for them, as scripts print and compare them."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from swell.scripts.k6.builtins import absent_value

# The source of a module, as it was compiled.
Source = Callable[[str], str]

# Messages that stand for themselves.
_SAME: Final = {
    "BigInt division by zero": "Division by zero",
    "BigInt are forbidden in JSON.stringify": "Do not know how to serialize a BigInt",
    "Date value is NaN": "Invalid time value",
    "bad normalization form": "The normalization form should be one of NFC, NFD, NFKC, NFKD",
    "cannot convert BigInt to number": "Cannot mix BigInt and other types, use explicit conversions",
    "cannot convert symbol to number": "Cannot convert a Symbol value to a number",
    "cannot convert symbol to string": "Cannot convert a Symbol value to a string",
    "circular reference": "Converting circular structure to JSON",
    "class constructors must be invoked with 'new'": "Class constructor cannot be invoked without 'new'",
    "empty array": "No initial value",
    "expecting %": "Malformed URI",
    "expecting hex digit": "Malformed URI",
    "expecting surrogate pair": "Malformed URI",
    "invalid 'in' operand": "Value is not an object: undefined",
    "invalid 'instanceof' right operand": "Value is not an object: undefined",
    "invalid array length": "Invalid array length",
    "invalid repeat count": "Invalid count value",
    "malformed UTF-8": "Malformed URI",
    "not an object": "Value is not an object: undefined",
    "not a number": "Value is not a number",
    "regexp must have the 'g' flag": "String.prototype.replaceAll called with a non-global RegExp argument",
    "value is not iterable": "object is not iterable",
}
_READ: Final = re.compile(r"cannot read property '(.*)' of (?:undefined|null)", re.DOTALL)
_READ_ONLY: Final = re.compile(r"'(.*)' is read-only", re.DOTALL)
_NO_OBJECT: Final = "Cannot convert undefined or null to object"
_NOT_COERCIBLE: Final = "Value is not object coercible"
_IDENTIFIER: Final = re.compile(r"[\w$]+")
# In a file's first line the engine's columns are one less.
_NAME_HERE: Final = re.compile(r"\s*([\w$]+)")
_QUOTES: Final = "'\"`"
# Messages may name what was read at run time: keys of data.
_MOST_PLACES: Final = 1000
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


class Wording:
    """Rewords messages for the VUs of a worker; each place in a script is looked at once."""

    def __init__(self, source: Source) -> None:
        # To prepare a large module takes long, and libraries of old try what an engine has by errors.
        self._source = lru_cache(maxsize=1)(source)
        self._told: dict[tuple[str, str, str, int, int], str] = {}

    def reword(self, message: str, builtin: str, file: str, line: float, column: float) -> str:
        """What k6's engine says for ``message``; as it is where nothing better is known.

        Args:
            message: the engine's own.
            builtin: the function of the language that threw, "" where it was the script's own code.
            file: the module whose code threw or called.
            line: in that module, counted from 1.
            column: likewise.
        """
        key = (message, builtin, file, int(line), int(column))
        told = self._told.get(key)
        if told is None:
            if len(self._told) >= _MOST_PLACES:
                self._told.clear()
            told = self._told[key] = self._reword(*key)
        return told

    def _reword(self, message: str, builtin: str, file: str, line: int, column: int) -> str:
        if message in _SAME:
            return _SAME[message]
        if message.endswith(" is not initialized") and message != "this is not initialized":
            return "Cannot access a variable before initialization"
        if message.startswith("cannot set property "):
            return _NO_OBJECT
        if "'Symbol.iterator'" in message:
            return _NOT_COERCIBLE if builtin else _NO_OBJECT
        if message == _NO_OBJECT:
            return message if builtin else _NOT_COERCIBLE
        if builtin:
            return _of_builtin(message, builtin)
        return _of_script(message, Place(self._source(file), line, column))


def _of_builtin(message: str, builtin: str) -> str:
    if message == "not a function":
        if builtin == "sort":
            return "The comparison function must be either a function or undefined"
        return "Value is not an object: undefined"
    if message == "must be called with new":
        return f"Constructor {builtin} requires 'new'"
    if message == "invalid number of digits":
        return f"{builtin}() precision must be between 0 and 100"
    return message


def _of_script(message: str, place: "Place") -> str:
    found = _READ.fullmatch(message)
    if found is not None:
        called = " or null" if place.is_called(found[1]) else ""
        return f"Cannot read property '{found[1]}' of undefined{called}"
    found = _READ_ONLY.fullmatch(message)
    if found is not None:
        if place.is_member(found[1]):
            return f"Cannot assign to read only property '{found[1]}'"
        return "Assignment to constant variable."
    if message == "object is not extensible":
        name = place.assigned()
        return f"Cannot add property {name}, object is not extensible" if name else message
    if message == "no setter for property":
        name = place.assigned()
        return f"Cannot assign to read only property '{name}'" if name else message
    if message == "not a constructor":
        return "Value is not a constructor"
    if message == "not a function":
        name = place.callee()
        if name:
            return f"Object has no member '{name}'"
        module = place.imported_from()
        return f"Value is not an object: {absent_value(module) if module else 'undefined'}"
    return message


class Place:
    """A place in a source: where the engine saw the fault, at or before the expression's last part."""

    def __init__(self, source: str, line: int, column: int) -> None:
        start = 0
        for _ in range(line - 1):
            start = source.find("\n", start) + 1
        self._source = source
        self._at = min(start + column - 1, len(source))

    def imported_from(self) -> str:
        """The module of k6's that the plain name here is imported from, "" where it is not."""
        found = _NAME_HERE.match(self._source, self._at)
        if found is None:
            return ""
        name = rf"[{{,]\s*(?:[\w$]+\s+as\s+)?{re.escape(found[1])}\s*[,}}]"
        imported = rf"""\bimport\b[^;'"]*{name}[^;'"]*['"](k6(?:/[^'"]*)?)['"]"""
        known = re.search(imported, self._source)
        return known[1] if known is not None else ""

    def is_called(self, name: str) -> bool:
        """Whether the member ``name`` that is read from here on is called, as in ``a.b.name()``."""
        quoted = re.escape(name)
        member = re.compile(rf"\.\s*{quoted}(?![\w$])\s*(\()?|\[\s*['\"]?{quoted}['\"]?\s*\]\s*(\()?")
        found = member.search(self._source, self._at)
        return found is not None and "(" in (found[1], found[2])

    def is_member(self, name: str) -> bool:
        """Whether ``name``, which is assigned to near here, is a property and not a variable."""
        line_end = self._source.find("\n", self._at)
        text = self._source[max(0, self._at - len(name) - 2) : line_end if line_end >= 0 else None]
        return re.search(rf"\.\s*{re.escape(name)}(?![\w$])|\[", text.split("=", 1)[0]) is not None

    def assigned(self) -> str:
        """The property that is assigned to near here, "" where it is not written out."""
        text = self._source[self._at : self._at + 200].split("=", 1)[0]
        names = re.findall(
            r"\.\s*([\w$]+)|\[\s*['\"]?([\w$-]+)['\"]?\s*\]", f".{text}" if self._before() else text
        )
        return names[-1][0] or names[-1][1] if names else ""

    def callee(self) -> str:
        """The member that is called here, "" for a plain name and for what is constructed."""
        before = self._source[max(0, self._at - 20) : self._at]
        if re.search(r"(?<![\w$.])new\s+$", before):
            return ""
        name = self._called_from_here()
        return self._called_with_this() if name is None else name

    def _called_from_here(self) -> str | None:
        """The last part, before the arguments, of the expression that begins here; None if it is no call."""
        source, at = self._source, self._at
        if re.compile(r"(?:async\s+)?function\b").match(source, at):
            return None
        is_member = self._before()
        name = ""
        while at < len(source):
            letter = source[at]
            if letter == "(" and at > self._at:
                return name
            if letter in "([":
                end = _end_of_bracket(source, at)
                part = source[at:end]
                name = _last(part) if letter == "(" else part[1:-1].strip().strip(_QUOTES)
                at = end
            elif (found := _IDENTIFIER.match(source, at)) is not None:
                name, at = (found[0] if is_member else ""), found.end()
            elif letter in ".?" or letter.isspace():
                at += 1
            else:
                break
            is_member = letter == "." or (is_member and letter.isspace())
        return None

    def _called_with_this(self) -> str:
        """The member whose arguments hold this place, which is one of them."""
        at, depth = self._at, 0
        if self._source[at : at + 1] != "(":
            while at > 0 and depth >= 0:
                at -= 1
                depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(self._source[at], 0)
        found = re.search(
            r"(?:\.\s*([\w$]+)|\[\s*['\"]([\w$-]+)['\"]\s*\])\s*$", self._source[max(0, at - 80) : at]
        )
        return (found[1] or found[2]) if found else ""

    def _before(self) -> bool:
        """Whether a dot stands right before here."""
        return re.search(r"\.\s*$", self._source[max(0, self._at - 80) : self._at]) is not None


def _last(bracketed: str) -> str:
    """The member at the end of ``(a.b)``."""
    found = re.search(r"\.\s*([\w$]+)\s*\)$", bracketed)
    return found[1] if found else ""


def _end_of_bracket(source: str, start: int) -> int:
    """Where the bracket that opens at ``start`` is closed; the end of the source where it is not."""
    open_brackets = []
    at = start
    while at < len(source):
        letter = source[at]
        if letter in _QUOTES:
            end = source.find(letter, at + 1)
            at = end if end > 0 else len(source)
        elif letter in _CLOSING:
            open_brackets.append(_CLOSING[letter])
        elif open_brackets and letter == open_brackets[-1]:
            open_brackets.pop()
            if not open_brackets:
                return at + 1
        at += 1
    return len(source)
