"""The C++ compiler that torch.compile needs on a CPU."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

from loocbench.errors import UserError

_DEFAULTS = {"darwin": "clang++", "win32": "cl"}  # g++ elsewhere


def has_compiler() -> bool:
    """Whether the compiler that torch.compile would call is installed: $CXX, else the platform's default."""
    command = shlex.split(os.environ.get("CXX") or _DEFAULTS.get(sys.platform, "g++"))
    return bool(command) and shutil.which(command[-1]) is not None


def require_compiler() -> None:
    """Raise UserError unless torch.compile finds the compiler that it needs."""
    if not has_compiler():
        raise UserError("--compile needs a C++ compiler: install g++, or name one in CXX, or leave out --compile.")
