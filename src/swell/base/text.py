"""Text that can be written as UTF-8, whatever a target's JSON or a file's name brought along."""

import re
from typing import Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """``text`` with U+FFFD for each half of a surrogate pair, which is no character."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
