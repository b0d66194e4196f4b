"""Metric definitions, samples, histograms, aggregation, thresholds and snapshots."""
