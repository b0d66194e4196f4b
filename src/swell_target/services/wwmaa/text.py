"""Texts as keys: what differs in case, spaces and hyphens only is the same."""

import re

# PostgreSQL cannot keep a NUL in a text.
WITHOUT_NUL = r"^[^\x00]*$"
NOT_WORD = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Lower-case words joined by hyphens: ``Brazilian Jiu-Jitsu`` is ``brazilian-jiu-jitsu``."""
    return NOT_WORD.sub("-", text.lower()).strip("-")
