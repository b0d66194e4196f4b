"""What holds for all tests."""

from hypothesis import settings

# An example's time is the machine's affair: on a busy one a limit fails tests of code that is right.
settings.register_profile("swell", deadline=None)
settings.load_profile("swell")
