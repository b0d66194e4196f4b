"""The edge in front of AIVO: requests that look like an attack get 403 before any route is looked for."""

import re

from swell_target.base.call import Call
from swell_target.base.errors import Problem

# Only these: k6, browsers and our own clients must get through.
SCANNERS = re.compile(rb"sqlmap|nikto|nessus|w3af|masscan|zmeu|python-requests|^curl", re.IGNORECASE)
ATTACKS = re.compile(
    r"(\bunion\b.+\bselect\b|\bor\b\s+['\"]?\d+['\"]?\s*=|'\s*or\s*'|;\s*drop\b|drop\s+table|--\s*$|<script|"
    r"javascript:|onerror\s*=|\.\./|\.\.\\|/etc/passwd|&&|\|\||;\s*cat\b|\$\(|`)",
    re.IGNORECASE,
)
BLOCKED_COUNTRIES = {"CN", "RU", "KP", "IR"}


def looks_like_attack(text: str) -> bool:
    """SQL injection, script injection, path traversal or a chain of commands."""
    return ATTACKS.search(text) is not None


def guard(call: Call) -> None:
    """Raise Problem 403 for scanners on the front page, attacks in an address, and closed countries."""
    path: str = call.scope["path"]
    if path == "/":
        agent = next((value for name, value in call.scope["headers"] if name == b"user-agent"), b"")
        if SCANNERS.search(agent):
            raise Problem(403, "blocked: scanner")
    elif path == "/admin/" and call.headers.get("cf-ipcountry", "").upper() in BLOCKED_COUNTRIES:
        raise Problem(403, "blocked: country")
    query = call.scope["query_string"]
    if ".." in path or (query and any(looks_like_attack(value) for _, value in call.query_pairs)):
        raise Problem(403, "blocked: attack pattern")
