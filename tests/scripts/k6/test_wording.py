"""What the engine's errors are made into, where no script is needed to see it."""

import pytest

from swell.scripts.k6.wording import Wording

SOURCE = """const a = {};
export default () => a.b.c(1);
print(a['d']('x'), new a.B());
import { sleep, nothing, x as other } from "k6"; import {mine} from "./k6"; import d from "k6/http";
nothing(); other(); mine(); d();
import { gone } from 'k6/http'; import { lost } from 'k6/crypto';
gone(); lost();
"""


@pytest.fixture
def wording() -> Wording:
    """Words for one module."""
    return Wording({"m.js": SOURCE}.__getitem__)


@pytest.mark.parametrize(
    ("message", "line", "column", "told"),
    [
        ("cannot read property 'b' of undefined", 2, 22, "Cannot read property 'b' of undefined"),
        ("cannot read property 'c' of null", 2, 22, "Cannot read property 'c' of undefined or null"),
        ("not a function", 2, 26, "Object has no member 'c'"),
        ("not a function", 3, 7, "Object has no member 'd'"),
        ("not a function", 3, 24, "Value is not an object: undefined"),
        ("not a function", 5, 1, "Value is not an object: null"),
        ("not a function", 5, 11, "Value is not an object: null"),
        ("not a function", 5, 12, "Value is not an object: null"),
        ("not a function", 5, 21, "Value is not an object: undefined"),
        ("not a function", 5, 29, "Value is not an object: undefined"),
        ("not a function", 7, 1, "Value is not an object: undefined"),
        ("not a function", 7, 9, "Value is not an object: null"),
        ("a message of another kind", 1, 1, "a message of another kind"),
    ],
)
def test_words_come_from_the_source(
    wording: Wording, message: str, line: int, column: int, told: str
) -> None:
    """The member's name, and whether it is called, are read where the fault is."""
    assert wording.reword(message, "", "m.js", line, column) == told


@pytest.mark.parametrize("column", [1, 2, 500])
@pytest.mark.parametrize("line", [1, 3, 900])
def test_any_place_is_taken(wording: Wording, line: int, column: int) -> None:
    """A place that the source does not have gives words all the same."""
    assert wording.reword("not a function", "", "m.js", line, column)


def test_what_was_told_is_bounded(wording: Wording) -> None:
    """Messages that name data do not fill the memory, and are told right to the last."""
    for key in range(2500):
        told = wording.reword(f"cannot read property '{key}' of null", "", "m.js", 2, 22)
        assert told == f"Cannot read property '{key}' of undefined"
    assert len(wording._told) <= 1000
