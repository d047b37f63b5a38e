"""Progress reporting. The command line shows it; a library user may ignore it."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receives progress and messages."""

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Report that ``done`` of ``total`` units of ``stage`` are finished."""

    def info(self, message: str) -> None:
        """Report one line of text."""


class Silent:
    """A reporter that shows nothing."""

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Ignore the progress."""

    def info(self, message: str) -> None:
        """Ignore the message."""
