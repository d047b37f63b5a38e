"""How long work tells that it moves on. The command line shows it; a library user may ignore it."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Hears of progress."""

    def advance(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """``done`` of ``total`` units of ``stage`` are finished."""

    def say(self, message: str) -> None:
        """One line for the user."""


class Silent:
    """A watcher that shows nothing."""

    def advance(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Nothing."""

    def say(self, message: str) -> None:
        """Nothing."""
