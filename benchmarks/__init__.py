"""Benchmarks: swell beside other load generators, and its own parts."""
