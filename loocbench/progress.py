"""Progress reporting. The command line shows it; a library user may ignore it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


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


@runtime_checkable
class TracebackReporter(Protocol):
    """What a reporter also offers that can show where an error comes from, to a user who asked for that."""

    def trace(self, error: BaseException) -> None:
        """Report the traceback of an error of which a message was reported."""


def report_traceback(reporter: Reporter, error: BaseException) -> None:
    """Report where an error comes from, to a reporter that can show it."""
    if isinstance(reporter, TracebackReporter):
        reporter.trace(error)
