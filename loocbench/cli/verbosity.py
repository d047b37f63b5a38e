"""How much a command shows on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Verbosity = Literal["quiet", "usual", "verbose"]
_CHOSEN: ContextVar[Verbosity] = ContextVar("verbosity", default="usual")


def choose_verbosity(level: Verbosity) -> None:
    """Set the level, until the block of :func:`own_verbosity` ends."""
    _CHOSEN.set(level)


def find_verbosity() -> Verbosity:
    """Return the level of the command that runs."""
    return _CHOSEN.get()


@contextmanager
def own_verbosity() -> Iterator[None]:
    """Context of one command, after which the level is what it was."""
    token = _CHOSEN.set("usual")
    try:
        yield
    finally:
        _CHOSEN.reset(token)
