"""``loocbench report``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from loocbench.report.table import Table


def report(
    suite: o.Suite = o.DEFAULT_SUITE,
    results: o.Results = o.DEFAULT_RESULTS,
    every_metric: Annotated[
        bool, typer.Option("--every-metric", help="All metrics, not only each task's own.", rich_help_panel=o.OUTPUT)
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="The Markdown file; default RESULTS/SUITE/table.md.", rich_help_panel=o.OUTPUT),
    ] = None,
) -> None:
    """Comparison table of the measured rows: prints it, and writes it as Markdown."""
    from loocbench.cli.console import Display
    from loocbench.jobs import report as job

    with Display() as display:
        table, path = job.report(results, suite, every_metric=every_metric, output=output, watcher=display)
    show(table, path)


def show(table: Table, path: Path) -> None:
    """Print a table with rich."""
    from loocbench.cli.console import stdout
    from loocbench.report import terminal

    terminal.render(table, stdout())
    stdout().print(f"written: {path}", highlight=False, soft_wrap=True)
