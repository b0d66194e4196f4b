"""Tests of the package's public surface."""

import subprocess
import sys

import pytest

from swell import testing


def test_every_public_double_exists() -> None:
    """Each name that is promised can be imported, and nothing else is listed."""
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    assert dir(testing) == testing.__all__


def test_unknown_name_is_an_attribute_error() -> None:
    """A misspelt double fails as any attribute does."""
    with pytest.raises(AttributeError, match="VirtualClok"):
        _ = testing.VirtualClok


def test_package_imports_nothing_by_itself() -> None:
    """Doubles are imported on first use."""
    code = "import sys, swell.testing; print(sorted({'gevent', 'numpy', 'trustme'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
