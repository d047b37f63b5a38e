"""A table on the terminal. Tasks are rows here, so that a table of many tasks still fits."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from loocbench.report.markdown import heading, text
from loocbench.report.table import Line, Table


def render(table: Table, console: Console) -> None:
    """Print the measured table, the published one apart from it, and the notes."""
    _print(table, table.measured, "Measured", console)
    if table.published:
        sources = "; ".join(sorted({line.trained_on for line in table.published}))
        _print(table, table.published, f"Published, not measured here: {sources}", console)
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)


def _print(table: Table, lines: tuple[Line, ...], title: str, console: Console) -> None:
    measured = lines is table.measured
    console.print(title, style="bold", highlight=False, markup=False)
    grid = RichTable()
    grid.add_column("task, metric (card version)")
    for line in lines:
        grid.add_column(
            Text.assemble(line.model, "\n", (line.features, "dim")) if measured else line.model, justify="right"
        )
    for position in table.filled(lines):
        cells = [line.cells[position] for line in lines]
        figures = [Text(text(cell), style="bold" if cell and cell.best else "") for cell in cells]
        grid.add_row(Text(heading(table.columns[position], measured=measured)), *figures)
    console.print(grid)
