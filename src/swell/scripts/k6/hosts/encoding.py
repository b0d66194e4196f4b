"""The Python half of k6/encoding."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# Characters for 62 and 63, and whether padding is written (RFC 4648, sections 3.2, 4 and 5).
FORMS: Final[Mapping[str, tuple[bytes, bool]]] = {
    "std": (b"+/", True),
    "rawstd": (b"+/", False),
    "url": (b"-_", True),
    "rawurl": (b"-_", False),
}
_LINE_ENDS: Final = re.compile(r"[\r\n]")


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """Base 64, both ways; what is no known form is the standard one (k6's rule)."""
    return {"encode": encode, "decode": decode}


def encode(content: str | bytes, form: str) -> str:
    """Base 64 of text (as UTF-8) or bytes."""
    last, is_padded = FORMS.get(form, FORMS["std"])
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    text = base64.b64encode(data, last).decode()
    return text if is_padded else text.rstrip("=")


def decode(text: str, form: str, as_text: bool) -> str | bytes:  # as JavaScript calls it
    """The content of base 64; line ends in it are skipped. Raises ``HostError`` for what is none."""
    last, is_padded = FORMS.get(form, FORMS["std"])
    text = _LINE_ENDS.sub("", text)
    alphabet = f"A-Za-z0-9{re.escape(last.decode())}"
    digits = re.match(f"[{alphabet}]*", text)
    count = digits.end() if digits is not None else 0
    rest = text[count:]
    padding = "=" * (-count % 4) if is_padded else ""
    if count % 4 == 1 or rest != padding:
        # The place of the first character that cannot stand there; without padding, the incomplete group.
        at = count if rest and rest != padding and not rest.startswith("=") else count - count % 4
        raise HostError(f"illegal base64 data at input byte {at}")
    try:
        content = base64.b64decode(text[:count] + "=" * (-count % 4), last)
    except binascii.Error as error:
        raise HostError(f"illegal base64 data: {error}") from None
    return content.decode("utf-8", "replace") if as_text else content
