"""A table on the terminal: models as rows, tasks as columns, in as many blocks of columns as the width needs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from loocbench.report.markdown import heading, text
from loocbench.report.table import Line, Table

_COLUMN = 14  # characters of a task's column, borders included; its heading is folded to it


def render(table: Table, console: Console) -> None:
    """Print the measured table, the published one apart from it, and the notes."""
    _print(table, table.measured, "Measured", console)
    if table.published:
        sources = "; ".join(sorted({line.trained_on for line in table.published}))
        _print(table, table.published, f"Published, not measured here: {sources}", console)
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)


def _print(table: Table, lines: tuple[Line, ...], caption: str, console: Console) -> None:
    measured = lines is table.measured
    names = [f"{line.model} {line.features}".strip() for line in lines]
    if measured and len(set(names)) < len(names):  # told apart by what they were trained on
        names = [f"{name}, {line.trained_on}" for name, line in zip(names, lines, strict=True)]
    fitting = max(1, (console.width - max(map(len, names)) - 4) // _COLUMN)
    positions = table.filled(lines)
    console.print(caption, style="bold", highlight=False, markup=False)
    for begin in range(0, len(positions), fitting):
        shown = positions[begin : begin + fitting]
        grid = RichTable()
        grid.add_column("model", no_wrap=True)
        for position in shown:
            title = Text(heading(table.columns[position], measured=measured))
            grid.add_column(title, justify="right", max_width=_COLUMN - 3)
        for name, line in zip(names, lines, strict=True):
            cells = [line.cells[position] for position in shown]
            grid.add_row(Text(name), *(Text(text(cell), style="bold" if cell and cell.best else "") for cell in cells))
        console.print(grid)
