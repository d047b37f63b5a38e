"""How much memory is free: of the machine, of a GPU, and where the system does not say."""

from pathlib import Path

import pytest
import torch

from loocbench.free_memory import free_memory


def test_main_memory_is_what_linux_calls_available(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda self: "MemTotal: 9 kB\nMemAvailable:   3 kB\n")
    assert free_memory() == free_memory(torch.device("cpu")) == 3 * 1024


def test_a_gpu_is_asked_for_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5, 10))
    assert free_memory(torch.device("cuda")) == 5


@pytest.mark.parametrize("content", ["", "MemAvailable: many kB"])
def test_a_system_that_does_not_say_is_taken_to_have_all_of_its_memory_free(monkeypatch, content):
    known = free_memory()
    monkeypatch.setattr(Path, "read_text", lambda self: content)
    assert free_memory() >= known
