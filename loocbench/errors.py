"""Errors that the user can fix: one line with the remedy, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_MOST_NAMES = 12  # of those that there are, in an error
_NEAREST = 5


class UserError(Exception):
    """Invalid input or an unsuitable environment. The text is one line that names the remedy."""


class DamagedImageError(UserError):
    """An image is missing or cannot be decoded; ``--skip-damaged`` leaves such images out."""


def unknown(kind: str, name: str, known: Iterable[str], *, listed_by: str = "", always: str = "") -> UserError:
    """Return the error for an unknown name, with the nearest known name and all known names, or where there are many,
    the nearest few. listed_by: the command that lists all. always: a name that is shown in any case."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=_NEAREST, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    if len(names) <= _MOST_NAMES:
        return UserError(f"unknown {kind} '{name}'.{hint} Available: {', '.join(names) or 'none'}.")
    nearest = _nearest(name, names)
    shown = nearest if always in nearest or not always else [*nearest, always]
    where = f"; '{listed_by}' lists them" if listed_by else ""
    return UserError(
        f"unknown {kind} '{name}'.{hint} Available: {', '.join(shown)} and {len(names) - len(shown)} more{where}."
    )


def _nearest(name: str, names: Sequence[str]) -> list[str]:
    """Return the few names that are most like ``name``, in the order of ``names``."""
    ranked = sorted(names, key=lambda other: -difflib.SequenceMatcher(None, name, other).ratio())
    return [other for other in names if other in ranked[:_NEAREST]]


def printable(text: str) -> str:
    """Replace control characters in text of a file, so that it is one line and cannot move or colour the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class SharedError(UserError):
    """An error that all processes of a run raise together; the main process prints it."""


class StoppedError(SharedError):
    """The user or a scheduler asked to stop; what is finished is kept, and the same command goes on.

    signal: the number of the signal that asked; 2 for Ctrl-C.
    """

    def __init__(self, message: str, signal: int = 2) -> None:
        super().__init__(message)
        self.signal = signal
