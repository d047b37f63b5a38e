"""Freed memory is reused."""

import os
import subprocess
import sys

import pytest

from loocbench import heap

# Page faults of asking for 32 MB, writing them and freeing them, twenty times after as many.
FAULTS = """
import resource, sys, torch
from loocbench import heap
if "keep" in sys.argv:
    assert heap.keep_freed_memory()
for number in range(40):
    if number == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(8 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments):
    clean = {name: value for name, value in os.environ.items() if name not in heap._USERS_OWN}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, *arguments], env=clean, stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults of glibc")
def test_the_system_need_not_clear_pages_again():
    assert faults("keep") < faults() / 20


@pytest.mark.parametrize("name", heap._USERS_OWN)
def test_settings_of_the_environment_are_left_alone(monkeypatch, name):
    monkeypatch.setenv(name, "65536")
    assert not heap.keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch):
    for name in heap._USERS_OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    assert not heap.keep_freed_memory()
