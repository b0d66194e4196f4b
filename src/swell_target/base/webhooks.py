"""Stripe's webhook signatures: a header ``t=<unix seconds>,v1=<hex>``, the HMAC-SHA256 of ``<t>.<raw body>``.

The secret is used as it is, with its prefix ``whsec_`` (https://docs.stripe.com/webhooks, "Verify manually").
"""

import hashlib
import hmac
import time

from swell_target.base.call import Call
from swell_target.base.errors import Problem

TOLERANCE_S = 300
MAX_DIGITS = 20
HEADER = "stripe-signature"


def sign(secret: str, body: bytes, seconds: int) -> str:
    """The header for ``body`` sent at ``seconds`` since 1970."""
    digest = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={digest.hex()}"


def check_signature(call: Call) -> None:
    """Compare the header with ``call.raw_body``; Problem 400 when it is missing, malformed, old or wrong."""
    header = call.headers.get(HEADER, "")
    if not header:
        raise Problem(400, "the Stripe-Signature header is missing")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    sent = next((value for name, _, value in pairs if name == "t"), "")
    # Several v1 stand there while a secret is replaced.
    given = [value for name, _, value in pairs if name == "v1"]
    if not (sent.isascii() and sent.isdigit() and len(sent) <= MAX_DIGITS) or not given:
        raise Problem(400, "the Stripe-Signature header is malformed: it must be t=<seconds>,v1=<hex>")
    if abs(time.time() - int(sent)) > TOLERANCE_S:
        raise Problem(400, f"the signature's time is more than {TOLERANCE_S} s off")
    message = f"{sent}.".encode() + call.raw_body
    wanted = hmac.digest(call.runtime.settings.stripe_secret.encode(), message, hashlib.sha256).hex()
    if not any(hmac.compare_digest(wanted.encode(), value.encode()) for value in given):
        raise Problem(400, "the signature does not fit the body")
