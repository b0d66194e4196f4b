"""Password hashes whose cost is chosen for a target: 150 logins a second must not be what limits a test.

scrypt with n=512, r=8, p=1 costs about 1 ms and 512 KiB: a sixth of a core at 150 logins a second. A
production service would take n=2**17 (RFC 7914, OWASP), some 300 ms, and could serve three logins a second
and core. The parameters stand in the hash, so that they can be raised without making old hashes unreadable.
"""

import hashlib
import hmac
import os

COST_N, COST_R, COST_P = 512, 8, 1
SALT_BYTES = 16
PARTS = 6


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``scrypt$n$r$p$salt$hash`` in hexadecimal; a given ``salt`` makes seeds repeatable."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, n=COST_N, r=COST_R, p=COST_P)
    return f"scrypt${COST_N}${COST_R}${COST_P}${salt.hex()}${digest.hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` made ``stored``; False for a hash of another form."""
    parts = stored.split("$")
    if len(parts) != PARTS or parts[0] != "scrypt":
        return False
    n, r, p = (int(part) for part in parts[1:4])
    digest = hashlib.scrypt(password.encode(), salt=bytes.fromhex(parts[4]), n=n, r=r, p=p)
    return hmac.compare_digest(digest.hex(), parts[5])
