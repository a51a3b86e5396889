"""What nodes ask of the operating system, seen from a process of its own."""
import subprocess
import sys

import pytest

FAULTS = """
import resource
from cosmos_policy_ros.nodes.realtime import keep_freed_memory
if {keep}:
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def pictures():
    return [bytearray(640 * 480 * 3) for _ in range(3)]
for _ in range(5):
    pictures()
before = faults()
for _ in range(20):
    pictures()
print(faults() - before)
"""
PAGES = 20 * 3 * 225


def page_faults(keep):
    answer = subprocess.run([sys.executable, '-c', FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(answer.stdout)


def test_memory_of_freed_pictures_is_not_asked_for_again():
    if page_faults(False) < PAGES / 2:
        pytest.skip('this C library keeps freed memory by itself')
    assert page_faults(True) < PAGES / 20
