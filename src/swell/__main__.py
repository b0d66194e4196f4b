"""``python -m swell`` is the ``swell`` command."""

from swell.cli.main import entry

entry()
