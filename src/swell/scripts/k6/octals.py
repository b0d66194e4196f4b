r"""Octal escapes in texts of a script, such as ``"\033[1m"``: modules may have them in k6, here they may not.

They are written over as hexadecimal ones; those of three digits keep their length. Templates have none in
either engine, and ``\0`` that no digit follows is none.
"""

import re
from typing import Final

# Also groups of patterns that are referred to: what it finds decides only whether to look closer.
_PERHAPS: Final = re.compile(r"\\(?:0\d|[1-7])")
_OCTAL: Final = re.compile(rb"\\(?!0(?!\d))([0-3][0-7]{0,2}|[4-7][0-7]?)(.*)", re.DOTALL)


def without_octals(text: str) -> str:
    """``text``, a module in JavaScript, with its octal escapes as hexadecimal ones."""
    if not _PERHAPS.search(text):
        return text
    from swell.scripts.k6.typescript.edits import Edits  # noqa: PLC0415  # with a parser, for few
    from swell.scripts.k6.typescript.parsing import escapes_of  # noqa: PLC0415

    data = text.encode("utf-8", "surrogatepass")
    edits = Edits(data)
    for start in escapes_of(data):
        found = _OCTAL.fullmatch(data, start, _end_of_digits(data, start))
        if found is not None:
            edits.put(start, found.end(1), f"\\x{int(found[1], 8):02x}")
    return edits.result()


def _end_of_digits(data: bytes, start: int) -> int:
    """Where an escape of digits ends at the latest: the grammar takes one digit for the whole of some."""
    end = start + 1
    while end < start + 4 and data[end : end + 1].isdigit():
        end += 1
    return end
