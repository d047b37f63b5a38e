"""What the user can mend: one clear line, a way out, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in the input or the surroundings. Its text is one line that names the remedy."""


class DamagedImageError(UserError):
    """An image that is missing or cannot be decoded: what ``--skip-damaged`` leaves out."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not in a list: the nearest known name, then the whole list."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UserError(f"unknown {kind} '{name}'.{hint} Available: {', '.join(names) or 'none'}.")


def printable(text: str) -> str:
    """Text from a file, one line that a terminal only shows: what would move its cursor or colour it is replaced."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class SharedError(UserError):
    """One that all processes of a run meet together; the first one tells it."""
