"""Errors, clock and units: what every other layer stands on."""
