"""Schedules, executors, virtual users, workers and the coordinator; knows no protocol and no script language."""
