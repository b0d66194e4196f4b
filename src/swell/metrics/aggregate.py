"""From records to results: what a worker sums up, and how the run adds it up; import from here."""

from swell.metrics.delta import Delta, SecondDelta, SeriesRules, series_rules
from swell.metrics.run_aggregate import RunAggregate
from swell.metrics.worker_aggregate import WorkerAggregator

__all__ = ["Delta", "RunAggregate", "SecondDelta", "SeriesRules", "WorkerAggregator", "series_rules"]
