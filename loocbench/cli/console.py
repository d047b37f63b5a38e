"""Console output: progress and messages on standard error, results on standard output."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.segment import Segment

from loocbench.cli.verbosity import find_verbosity
from loocbench.errors import printable

_SHOW_AFTER = 1.0  # seconds; shorter stages show nothing
_PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal


class SafeConsole(Console):
    """A console that shows control characters of printed text as �: names in tables and messages come from files."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As rich does; its own colours and cursor movements are kept."""
        for segment in super().render(renderable, options):
            lines = segment.text.split("\n")
            shown = segment.text if segment.control else "\n".join(map(printable, lines))
            yield Segment(shown, segment.style, segment.control)


class Display:
    """A ``loocbench.progress.Reporter``: progress bars on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self.console: Console = SafeConsole(stderr=True, quiet=find_verbosity() == "quiet")
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("[cyan]{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
            redirect_stdout=False,  # standard output carries results, whatever standard error shows
            redirect_stderr=False,
        )
        # by stage: its bar, when it was first heard of, and the units that were done then, of an earlier process
        self._stages: dict[str, tuple[TaskID | None, float, int]] = {}
        self._last_line = time.monotonic()

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._bars.stop()

    def info(self, message: str) -> None:
        """Show the user one line."""
        self.console.print(message, highlight=False, soft_wrap=True, markup=False)

    def trace(self, error: BaseException) -> None:
        """Show where an error comes from, if the user asked for that (-v)."""
        if find_verbosity() == "verbose":
            self.info("".join(traceback.format_exception(error)).rstrip())

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Show that ``done`` of ``total`` units of ``stage`` are finished."""
        now = time.monotonic()
        bar, begin, before = self._stages.setdefault(stage, (None, now, done))
        elapsed = now - begin
        rate = f"{(done - before) / elapsed:.0f}/s" if elapsed > 0 else ""
        if self.console.is_terminal:
            if bar is None and elapsed > _SHOW_AFTER:
                bar = self._bars.add_task(stage, total=total, completed=done, rate=rate, detail=detail)
                self._stages[stage] = (bar, begin, before)
            if bar is not None:
                self._bars.update(bar, completed=done, rate=rate, detail=detail)
                if done >= total:
                    self._bars.remove_task(bar)
        elif elapsed > _SHOW_AFTER and (now - self._last_line > _PLAIN_EVERY or done >= total):
            self._last_line = now
            left = f", {elapsed / (done - before) * (total - done):.0f} s left" if before < done < total else ""
            self.info(f"{stage}: {done}/{total} {rate}{left}{f'; {detail}' if detail else ''}")
        if done >= total:
            del self._stages[stage]


def stdout() -> Console:
    """Return a console on standard output; when piped without colours, and 200 columns wide unless COLUMNS says."""
    console = SafeConsole(file=sys.stdout)
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return console
    return SafeConsole(file=sys.stdout, width=200)


def print_text(console: Console, text: str) -> None:
    """Print a sentence or more: wrapped between words on a terminal, and where COLUMNS says, else as one line."""
    known = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    console.print(text, highlight=False, soft_wrap=not known, markup=False)
