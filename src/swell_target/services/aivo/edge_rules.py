"""The edge in front of AIVO: requests that look like an attack get 403 before any route is looked for."""

import re
from urllib.parse import parse_qsl, unquote_plus

from swell_target.base.call import Call
from swell_target.base.errors import Problem

# Only these: k6, browsers and our own clients must get through.
SCANNERS = re.compile(rb"sqlmap|nikto|nessus|w3af|masscan|zmeu|python-requests|^curl", re.IGNORECASE)
ATTACKS = re.compile(
    "|".join(
        (
            # SQL: conditions that are always true, further statements, comments that cut a query short.
            r"\b(or|and)\b\s*[\('\"]*(\d+|['\"]\w*['\"])\s*=",
            r"['\"]\)*\s*(or|and|\|\|)\b",
            r"\bunion\b.+\bselect\b|\bhaving\b\s+\d+\s*=|;\s*(drop|select|insert|update|delete|exec)\b",
            r"\bdrop\s+table\b|\bxp_cmdshell\b|\b(pg_)?sleep\s*\(|\bbenchmark\s*\(|\bwaitfor\s+delay\b",
            r"--[\s+-]*(&|$)|['\"]\s*(#|/\*|;)",
            # Scripts in pages.
            r"<\s*(script|iframe|object|embed|svg)\b|javascript:|\bon[a-z]{3,}\s*=",
            # Ways out of a folder.
            r"\.\.[/\\]|/etc/(passwd|shadow|hosts)|\b(file|php)://|\bc:\\",
            # Commands behind others.
            r"&&|\|\||[;|]\s*(cat|ls|id|whoami|rm|nc|ping|curl|wget|uname|sleep|sh|bash)\b|\$\(|`",
        )
    ),
    re.IGNORECASE | re.DOTALL,
)
SQL_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# How often an attack may be percent-encoded over again and still be seen.
DECODINGS = 2
BLOCKED_COUNTRIES = {"CN", "RU", "KP", "IR"}


def looks_like_attack(text: str) -> bool:
    """SQL injection, script injection, path traversal or a chain of commands, encoded over again or not."""
    for _ in range(DECODINGS):
        if ATTACKS.search(text) is not None:
            return True
        plain = SQL_COMMENT.sub(" ", unquote_plus(text) if "%" in text else text)
        if plain == text:
            return False
        text = plain
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
    # As a whole, too: && in an address is a separator for whoever splits it.
    if ".." in path or (query and _is_attack(query.decode("latin-1"))):
        raise Problem(403, "blocked: attack pattern")


def _is_attack(query: str) -> bool:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&&" in query or any(looks_like_attack(part) for pair in pairs for part in pair)
