"""The option table, scenarios, and the resolution of option layers into one plan."""
