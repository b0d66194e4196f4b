"""swell: load tests in Python whose numbers are true."""

__version__ = "0.1.0"
