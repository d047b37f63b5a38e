"""A table as GitHub Markdown."""

from __future__ import annotations

from loocbench.report.table import Cell, Line, Table


def render(table: Table, title: str) -> str:
    """The whole page: the measured table, the published figures apart from it, the notes."""
    parts = [f"# {title}", "", *_grid(table, table.measured, "Trained on"), ""]
    if table.published:
        parts += [
            "## Published figures",
            "",
            "Copied from the papers, not measured here; other images, budget and protocol unless said otherwise.",
            "",
            *_grid(table, table.published, "Source"),
            "",
        ]
    parts += [f"- {note}" for note in table.notes]
    return "\n".join(parts) + "\n"


def text(cell: Cell | None) -> str:
    """A cell without emphasis: "72.3 ± 1.2"."""
    if cell is None:
        return "–"
    return f"{cell.value:.1f}" if cell.spread is None else f"{cell.value:.1f} ± {cell.spread:.1f}"


def _grid(table: Table, lines: tuple[Line, ...], third: str) -> list[str]:
    published = third == "Source"
    heads = ["Model", third] if published else ["Model", "Features", third]
    heads += [column.title + (f" [{column.note}]" if column.note and not published else "") for column in table.columns]
    aligned = ["---"] * (len(heads) - len(table.columns)) + ["---:"] * len(table.columns)
    rows = [heads, aligned]
    for line in lines:
        names = (
            [f"{line.model} (published)", line.features]
            if published
            else [line.model, f"`{line.features}`", line.trained_on]
        )
        cells = [f"**{text(cell)}**" if cell and cell.best else text(cell) for cell in line.cells]
        rows.append([*names, *cells])
    return ["| " + " | ".join(value.replace("|", "\\|") for value in row) + " |" for row in rows]
