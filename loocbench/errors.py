"""Errors that the user can fix: one line with the remedy, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Invalid input or an unsuitable environment. The text is one line that names the remedy."""


class DamagedImageError(UserError):
    """An image is missing or cannot be decoded; ``--skip-damaged`` leaves such images out."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for an unknown name, with the nearest known name and all known names."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UserError(f"unknown {kind} '{name}'.{hint} Available: {', '.join(names) or 'none'}.")


def printable(text: str) -> str:
    """Replace control characters in text of a file, so that it is one line and cannot move or colour the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class SharedError(UserError):
    """An error that all processes of a run raise together; the main process prints it."""


class StoppedError(SharedError):
    """The user or a scheduler asked to stop; what is finished is kept, and the same command goes on."""
