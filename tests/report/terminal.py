"""A terminal as far as the live view needs one: a grid of characters, a cursor, wrapping and scrolling."""

import io
import re

_TOKEN = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Terminal(io.StringIO):
    """Interprets what is written to it; ``lines`` is everything on it, what scrolled off included."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        super().__init__()
        self.width, self.height = width, height
        self.lines: list[str] = [""]
        self.row = self.column = 0
        self.cursor_is_shown = True
        self.writes: list[str] = []

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self.width, self.height

    @property
    def shown(self) -> list[str]:
        """All lines without trailing blanks, and without empty ones at the end."""
        lines = [line.rstrip() for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def write(self, text: str) -> int:
        """Interpret ``text``."""
        self.writes.append(text)
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            assert match, f"not understood: {text[position : position + 20]!r}"
            position = match.end()
            private, number, command, control, char = match.groups()
            if command:
                self._command(private, number, command)
            elif control:
                self._control(control)
            else:
                self._put(char)
        return len(text)

    def _command(self, private: str, number: str, command: str) -> None:
        if private:
            if number == "25":
                self.cursor_is_shown = command == "h"
            return
        if command == "A":
            self.row -= int(number or 1)
            assert self.row >= max(0, len(self.lines) - self.height), "moved above the screen"
        elif command == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif command == "J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        else:
            assert command == "m", f"unknown command {command}"

    def _control(self, control: str) -> None:
        self.column = 0
        if control == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")

    def _put(self, char: str) -> None:
        if self.column == self.width:
            self._control("\n")
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + char + line[self.column + 1 :]
        self.column += 1
