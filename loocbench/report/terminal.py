"""A table on the terminal. Tasks are rows here, so that a table of many tasks still fits."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable

from loocbench.report.markdown import text
from loocbench.report.table import Line, Table


def render(table: Table, console: Console) -> None:
    """Print the measured table, the published one apart from it, and the notes."""
    _print(table, table.measured, "Measured", console)
    if table.published:
        _print(table, table.published, "Published (copied from papers, not measured here)", console)
    for note in table.notes:
        console.print(note, style="dim", highlight=False)


def _print(table: Table, lines: tuple[Line, ...], title: str, console: Console) -> None:
    grid = RichTable(title=title, title_justify="left")
    grid.add_column("task, metric (card version)")
    for line in lines:
        grid.add_column(f"{line.model}\n[dim]{line.features}[/dim]", justify="right")
    for position, column in enumerate(table.columns):
        cells = [line.cells[position] for line in lines]
        title_ = column.title + (f" [{column.note}]" if column.note else "")
        grid.add_row(title_, *(f"[bold]{text(cell)}[/bold]" if cell and cell.best else text(cell) for cell in cells))
    console.print(grid)
