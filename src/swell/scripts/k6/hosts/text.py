"""The Python half of ``lib/encoding.js``: text and bytes."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from swell.scripts.k6.values import HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# Labels of the Encoding standard, without those of legacy multi-byte encodings: name -> Python's codec.
_CODECS: Final = {
    "utf-8": ("utf-8", "utf8", "unicode-1-1-utf-8"),
    "utf-16le": ("utf-16", "utf-16le", "ucs-2", "unicode"),
    "utf-16be": ("utf-16be",),
    "windows-1252": ("latin1", "iso-8859-1", "ascii", "us-ascii", "windows-1252", "cp1252", "l1"),
}
_LABELS: Final = {label: name for name, labels in _CODECS.items() for label in labels}
_SPACE: Final = re.compile(r"[\t\n\f\r ]+")
_BOMS: Final = {"utf-8": "\ufeff", "utf-16le": "\ufeff", "utf-16be": "\ufeff"}


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/encoding.js`` needs."""
    return {
        "encode": lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode(),
        "codec": lambda label: _LABELS.get(label.strip().lower(), ""),
        "decode": _decode,
        "toBase64": lambda data: base64.b64encode(data).decode(),
        "fromBase64": _from_base64,
    }


def _decode(name: str, data: bytes, fatal: bool, keeps_bom: bool) -> str:
    try:
        text = data.decode("cp1252" if name == "windows-1252" else name, "strict" if fatal else "replace")
    except UnicodeDecodeError as error:
        raise TypeError(f"the data is not {name}: {error.reason}") from None
    return text if keeps_bom else text.removeprefix(_BOMS.get(name, "")) if name in _BOMS else text


def _from_base64(text: str) -> bytes | None:
    """The bytes of ``text`` by the rules of WHATWG's forgiving base64; None where it is none."""
    compact = _SPACE.sub("", text)
    if len(compact) % 4 == 0:
        compact = compact.removesuffix("=").removesuffix("=")
    if len(compact) % 4 == 1 or not re.fullmatch(r"[A-Za-z0-9+/]*", compact):
        return None
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4))
    except binascii.Error:
        return None
