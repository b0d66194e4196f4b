"""Where a script throws what is no error: k6 logs the place of that too, the engine knows it of errors alone.

``throw "text"`` becomes ``throw Error("swell"), "text"``: an error made just before it leaves its frames with
the core, which shows them where what is thrown has none. Errors made on the spot are left as they are.
"""

import re
from typing import Final

# Also words of comments and texts: what it finds decides only whether to look closer.
_PERHAPS: Final = re.compile(r"\bthrow\b(?!\s+new\b)")
_NOTED: Final = b' Error("swell"),'


def with_places(text: str) -> str:
    """``text``, a module in JavaScript without faults, with throws that leave their place; its lines stay."""
    if not _PERHAPS.search(text):
        return text
    from swell.scripts.k6.typescript.parsing import throws_of  # noqa: PLC0415  # a parser, for few

    data = text.encode("utf-8", "surrogatepass")
    parts, done = [], 0
    for end in throws_of(data):
        parts += [data[done:end], _NOTED]
        done = end
    return b"".join([*parts, data[done:]]).decode("utf-8", "surrogatepass")
