"""Where a script throws what is no error: k6 logs the place of that too, the engine knows it of errors alone.

``throw "text"`` becomes ``throw swellThrows(), "text"``: a function of the core's, which no script can
replace, keeps the frames, and they are shown where what is thrown has none. What is made on the spot, or by a
function, is most likely an error and left as it is: columns after what is inserted are not the script's own.
"""

import re
from typing import Final

# Also words of comments and texts: what it finds decides only whether to look closer.
_PERHAPS: Final = re.compile(r"\bthrow\b(?!\s+new\b)")
_NOTED: Final = " swellThrows(),"


def with_places(text: str) -> str:
    """``text``, a module in JavaScript without faults, with throws that leave their place; its lines stay."""
    if not _PERHAPS.search(text):
        return text
    from swell.scripts.k6.typescript.edits import Edits  # noqa: PLC0415  # with a parser, for few
    from swell.scripts.k6.typescript.parsing import throws_of  # noqa: PLC0415

    data = text.encode("utf-8", "surrogatepass")
    edits = Edits(data)
    for end in throws_of(data):
        edits.put(end, end, _NOTED)
    return edits.result()
