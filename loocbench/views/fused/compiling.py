"""How numerical functions are compiled with numba."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# nogil: Python threads compute side by side. error_model: a division does not look for zero, which would keep loops
# from being vectorised. contract: a * b + c may be one instruction. Reassociation and the like stay off, so that a
# result is a function of its inputs and the processor alone. no_cfunc_wrapper: compiles less, since nothing needs it.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "no_cfunc_wrapper": True}


def inlined(function: Function) -> Function:
    """Compile a small function as a part of the functions that call it."""
    compiled: Function = numba.njit(**_OPTIONS)(function)
    return compiled


def kept(function: Function) -> Function:
    """Compile a function at its first call and keep the machine code on disk for later processes.

    It lies beside the source, or in the user's cache folder where that cannot be written, or in $NUMBA_CACHE_DIR; where
    none can be written, each process compiles. numba makes it anew for another processor, another version of numba or a
    changed source of ``function``, but does not look at the functions that it calls: ``function`` must refer to
    :func:`source_hash` of their folder as a variable of an enclosing function, which numba does look at.
    """
    try:
        compiled: Function = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba's "no locator available"
        return inlined(function)
    return compiled


def source_hash(folder: Path) -> str:
    """SHA-256 of the Python files in ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
