"""docs/k6-messages.md lists what k6/http says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = ROOT / "src" / "swell" / "scripts" / "k6" / "modules"
SOURCES = (
    MODULES / "http.js",
    MODULES / "lib" / "forms.js",
    MODULES / "lib" / "pages.js",
    MODULES / "lib" / "response.js",
    *(MODULES.parent / name for name in ("httpparams.py", "hosts/http.py", "hosts/httpjars.py")),
)
# Of Python's errors those that a script sees.
SAID = re.compile(
    r"""(?:Refusal|GoError|(?:new |swell\.)TypeError|warn|RefusalError|HostError)\(\s*f?(`[^`]*`|"[^"]*"|'[^']*')""",
    re.DOTALL,
)
PAGE = " ".join((ROOT / "docs" / "k6-messages.md").read_text(encoding="utf-8").split())


def texts() -> list[str]:
    """The longest fixed part of each message in the sources."""
    found = set()
    for source in SOURCES:
        for match in SAID.finditer(source.read_text(encoding="utf-8")):
            parts = re.split(r"\$?\{(?:[^{}`]|\{[^{}]*\})*\}", match[1][1:-1])
            found.add(max(parts, key=len).strip(" '\":;"))
    return sorted(text for text in found if len(text) > 8)


@pytest.mark.parametrize("text", texts())
def test_each_message_is_explained(text: str) -> None:
    """What a script can be told stands on the page."""
    beginning = re.split(r": | '", text)[0]
    assert beginning in PAGE
