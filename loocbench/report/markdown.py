"""A table as GitHub Markdown."""

from __future__ import annotations

from loocbench.report.table import Cell, Column, Line, Table


def render(table: Table, title: str) -> str:
    """The whole page: the measured table, the published figures apart from it, the notes."""
    parts = [f"# {title}", "", *_grid(table, table.measured, measured=True), ""]
    if table.published:
        parts += [
            "## Published figures",
            "",
            "Copied from the papers, not measured here; other images, budget and protocol unless said otherwise.",
            "",
            *_grid(table, table.published, measured=False),
            "",
        ]
    parts += [f"- {note}" for note in table.notes]
    return "\n".join(parts) + "\n"


def text(cell: Cell | None) -> str:
    """A cell without emphasis: "72.3 ± 1.2"."""
    if cell is None:
        return "–"
    return f"{cell.value:.1f}" if cell.spread is None else f"{cell.value:.1f} ± {cell.spread:.1f}"


def heading(column: Column, *, measured: bool) -> str:
    """What stands above a column; a measured one says what sets its data apart from the official set."""
    return f"{column.title} [{column.note}]" if column.note and measured else column.title


def _grid(table: Table, lines: tuple[Line, ...], *, measured: bool) -> list[str]:
    positions = table.filled(lines)
    names = ["Model", "Features", "Trained on"] if measured else ["Model", "Source"]
    rows = [
        [*names, *(heading(table.columns[position], measured=measured) for position in positions)],
        ["---"] * len(names) + ["---:"] * len(positions),
    ]
    for line in lines:
        start = [line.model, f"`{line.features}`", line.trained_on]
        cells = [line.cells[position] for position in positions]
        figures = [f"**{text(cell)}**" if cell and cell.best else text(cell) for cell in cells]
        rows.append([*(start if measured else [f"{line.model} (published)", line.trained_on]), *figures])
    return ["| " + " | ".join(value.replace("|", "\\|") for value in row) + " |" for row in rows]
