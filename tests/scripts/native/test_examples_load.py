"""Every example loads without a fault; that each of them runs is tested with whole commands."""

from pathlib import Path

import pytest

from swell.scripts.native.loader import load_script

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("clean_imports")
def test_example_loads(path: Path):
    """An example has no fault, and something to run."""
    exports = load_script(path, {}).exports
    assert exports.faults == ()
    assert "default" in exports.functions or exports.options["scenarios"]


def test_there_are_examples():
    """The folder is where this test looks for it."""
    assert len(EXAMPLES) >= 8
