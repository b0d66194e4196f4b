"""Reports: pure functions of a Snapshot."""
