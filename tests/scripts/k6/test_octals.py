"""Octal escapes are what they are in k6, in modules too."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.scripts.k6.octals import without_octals
from swell.testing.cli import CLIResult


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"'\033[31m'", r"'\x1b[31m'"),
        (r'"a\1b\77\477"', r'"a\x01b\x3f\x277"'),
        (r"'\0'", r"'\0'"),
        (r"'\0x'", r"'\0x'"),
        (r"'\00' + '\07' + '\08'", r"'\x00' + '\x07' + '\x008'"),
        (r"'\\033'", r"'\\033'"),
        (r"/(a)\1/.test('\101')", r"/(a)\1/.test('\x41')"),
        (r"`\\1 ${'\61'}`", r"`\\1 ${'\x31'}`"),
        (r"// '\033'", r"// '\033'"),
        ("'é' + '\\101'", "'é' + '\\x41'"),
    ],
)
def test_only_octal_escapes_of_texts_change(written: str, read: str) -> None:
    """Patterns, templates, comments, and zeros before no digit stay."""
    assert without_octals(written) == read


@given(st.lists(st.integers(0, 0o377), max_size=5), st.text(alphabet="abc[89 ", max_size=3))
def test_values_are_kept(codes: list[int], tail: str) -> None:
    """What is written stands for the same characters."""
    written = "'" + "".join(rf"\{code:03o}" for code in codes) + tail + "'"
    read = without_octals(written)
    assert read[1:-1].encode().decode("unicode_escape") == "".join(map(chr, codes)) + tail


@pytest.mark.parametrize("end", ["export default main;", "module.exports.default = main;"])
def test_a_script_that_prints_in_colour(run: Callable[..., CLIResult], end: str) -> None:
    """It runs, as an ES module and as CommonJS."""
    result = run(rf"""const RED = '\033[31m', OFF = "\033[0m";
        function main() {{ console.log(RED + 'x' + OFF); }}
        {end}""")
    assert r'msg="\x1b[31mx\x1b[0m"' in result.stderr
    assert result.exit_code == 0
