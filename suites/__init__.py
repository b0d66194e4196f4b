"""Five teams' load tests in native Python: each test is one script, `swell run suites/wwmaa/search.py`."""
