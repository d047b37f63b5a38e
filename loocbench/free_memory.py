"""Free memory of the machine or of a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def free_memory(device: torch.device | None = None) -> int:
    """Return the bytes free on ``device`` (default: main memory); all of the machine's if the system does not say."""
    if device is not None and device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63
