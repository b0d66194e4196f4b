"""The error of the translation: what is wrong in a TypeScript file, with its place and the line."""

from swell.base.errors import ScriptError


class TypeScriptError(ScriptError):
    """A TypeScript file that cannot be translated; ``line`` and ``column`` count from 1, in characters."""

    slug = "typescript"

    def __init__(self, message: str, *, filename: str, line: int, column: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.filename = filename
        self.line = line
        self.column = column


def error_at(data: bytes, offset: int, filename: str, reason: str, *, hint: str = "") -> TypeScriptError:
    """The error at a byte ``offset``: ``file:line:column: reason``, the source line, a caret."""
    start = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    text = data[start : end if end >= 0 else len(data)].decode("utf-8", "replace").rstrip("\r")
    line = data.count(b"\n", 0, offset) + 1
    column = len(data[start:offset].decode("utf-8", "replace")) + 1
    # Tabs stay tabs before the caret, so that it stands below its character however wide they are shown.
    margin = "".join("\t" if character == "\t" else " " for character in text[: column - 1])
    return TypeScriptError(
        f"{filename}:{line}:{column}: {reason}\n    {text}\n    {margin}^",
        filename=filename,
        line=line,
        column=column,
        hint=hint,
    )
