"""User name and password as they stand in a URL."""

from typing import Final
from urllib.parse import quote

# What needs no escape there (RFC 3986), apart from what separates its parts.
_SAFE: Final = "-._~!$&'()*+,;="


def userinfo(username: str, password: str) -> str:
    """``user:password`` with everything else escaped."""
    return f"{quote(username, safe=_SAFE)}:{quote(password, safe=_SAFE)}"
