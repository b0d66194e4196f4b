"""From records to results: what a worker sums up each second, and how the run adds it up (one place to import from)."""

from swell.metrics.delta import Delta, SecondDelta, SeriesRules, series_rules
from swell.metrics.worker_aggregate import WorkerAggregator

__all__ = ["Delta", "SecondDelta", "SeriesRules", "WorkerAggregator", "series_rules"]
