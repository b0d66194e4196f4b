"""What a worker does with memory that is freed."""

import platform
import subprocess
import sys

import pytest

# Bodies as a k6 script gets them: the bytes, and a copy in the engine; both are freed before the next.
BODIES = """
import resource
from swell.engine.memory import settle

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        body = bytes(5_000_000)
        copy = bytearray(body)
        del body, copy
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults(20)
settle()
faults(3)
print(before, faults(20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_large_bodies_reuse_the_memory_of_those_before() -> None:
    """Once settled, twenty bodies of 5 MB are written into memory that is there already."""
    done = subprocess.run([sys.executable, "-c", BODIES], check=True, capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    assert after * 4 < before
