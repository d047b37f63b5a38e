"""Provenance of a result: versions, hardware, time."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

import loocbench

_LIBRARIES = ("torchvision", "numpy", "scipy", "scikit-learn", "pillow")


def versions() -> dict[str, str]:
    """Return the versions of loocbench, Python and the libraries that results depend on."""
    import torch  # here: what only asks for the time, such as the records of jobs, starts without it

    return {
        "loocbench": own_version(),
        "python": platform.python_version(),
        "torch": torch.__version__,  # with the build, such as +cu130
        **{name: _library_version(name) for name in _LIBRARIES},
    }


@cache  # reading a package's metadata takes milliseconds, and every card and row states five
def _library_version(name: str) -> str:
    return metadata.version(name)


@cache
def own_version() -> str:
    """The version; in a git checkout with its commit and whether it has changes: "0.1.0+g2962417.dirty"."""
    checkout = Path(loocbench.__file__).parents[1]
    if not (checkout / ".git").exists():  # an installed package may lie in another project's repository
        return loocbench.__version__
    command = ["git", "-C", str(checkout), "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=.dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return loocbench.__version__
    return f"{loocbench.__version__}+g{said}"


def hardware(device: str, *, processes: int = 1) -> str:
    """Return the name of the hardware: one GPU per process, or the CPU that all processes share."""
    if device.startswith("cuda"):
        import torch

        return (f"{processes} x " if processes > 1 else "") + torch.cuda.get_device_name(device)
    return f"{_processor()}, {os.cpu_count()} cores" + (f", {processes} processes" if processes > 1 else "")


def now() -> str:
    """Return the time in UTC, ISO 8601 with microseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat()


@cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
