"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# An example's time is the machine's affair: on a busy one a limit fails tests of code that is right. The
# examples are the same in every run, so that no run fails for what another did not look at; others are tried
# with --hypothesis-seed=N.
settings.register_profile(
    "swell", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("swell")
