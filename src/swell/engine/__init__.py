"""Schedules, executors, virtual users, workers, coordinator; knows no protocol and no script language."""
