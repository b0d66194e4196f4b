"""``swell suite``: the tests of one platform, or of several, as one run with one table of verdicts."""
