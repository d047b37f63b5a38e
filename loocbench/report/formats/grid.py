"""The layout shared by all formats: a grid of label columns, columns of figures, and models or tasks as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loocbench.report.table import labels
from loocbench.report.table.cells import NEAR_BEST, Cell
from loocbench.report.table.columns import Column
from loocbench.report.table.table import Table


@dataclass(frozen=True)
class Head:
    """The heading of a column of figures.

    group: heading shared by neighbouring columns; short: heading below it; title: heading on one line. headline:
    whether the headline table has the column.
    """

    group: str
    short: str
    title: str
    headline: bool = True


@dataclass(frozen=True)
class GridRow:
    """A row of a grid.

    labels: one per label column. family: rows of one family stand together. seeds: number of pretraining seeds; 0 where
    that means nothing. apart: how it differs from rows whose first two labels are the same.
    """

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    family: str = ""
    seeds: int = 0
    apart: str = ""

    @property
    def title(self) -> str:
        """The first label, and what sets the row apart from others of the same two labels."""
        return f"{self.labels[0]} [{self.apart}]" if self.apart else self.labels[0]


@dataclass(frozen=True)
class Grid:
    """A table ready to be printed.

    kind: ``MEASURED`` or ``PUBLISHED``. names: headings of the label columns. heads: headings of the figures.
    """

    kind: str
    caption: str
    names: tuple[str, ...]
    heads: tuple[Head, ...]
    rows: tuple[GridRow, ...]


MEASURED, SCALE, PUBLISHED = "measured", "scale", "published"
_PUBLISHED_CAPTION = (
    "Copied from the papers, not measured here; other images, budget and protocol unless said otherwise. 'here' is by "
    "how much the measured figure differs where the evaluation's images and protocol are the same; pretraining may "
    "differ."
)


def build_grids(table: Table, *, pivot: bool = False) -> list[Grid]:
    """One grid of the measured lines with the scale below them, and one of the published lines if there are any.

    pivot: tasks as rows, models as columns.
    """
    grids = [_measured_grid(table, pivot=pivot)]
    if table.published:
        grids.append(_published_grid(table, pivot=pivot))
    return grids


def _measured_grid(table: Table, *, pivot: bool) -> Grid:
    lines = [*table.measured, *table.scale]
    positions = table.filled_columns(lines)
    rows = [
        GridRow(
            (line.model, line.features, _describe_seeds(line.seeds), line.trained_on),
            tuple(line.cells[position] for position in positions),
            SCALE if place >= len(table.measured) else line.family,
            line.seeds,
            line.apart,
        )
        for place, line in enumerate(lines)
    ]
    columns = [table.columns[position] for position in positions]
    grid = Grid(
        MEASURED,
        "Measured",
        ("Model", "Features", "Seeds", "Trained on"),
        tuple(
            replace(head, headline=position in table.headline)
            for position, head in zip(positions, _column_heads(columns, noted=True), strict=True)
        ),
        tuple(rows),
    )
    return _pivot_grid(grid, columns, noted=True) if pivot else grid


def _published_grid(table: Table, *, pivot: bool) -> Grid:
    positions = table.filled_columns(table.published)
    rows = [
        GridRow((f"{line.model} (published)", line.trained_on), tuple(line.cells[position] for position in positions))
        for line in table.published
    ]
    columns = [table.columns[position] for position in positions]
    grid = Grid(PUBLISHED, _PUBLISHED_CAPTION, ("Model", "Source"), _column_heads(columns, noted=False), tuple(rows))
    return _pivot_grid(grid, columns, noted=False) if pivot else grid


def _column_heads(columns: Sequence[Column], *, noted: bool) -> tuple[Head, ...]:
    """Headings of columns; noted: with the note of a copy of the data, which published figures do not have."""
    return tuple(
        Head(f"{one.group} [{one.note}]", one.short, one.heading)
        if noted and one.note
        else Head(one.group, one.short, one.title)
        for one in columns
    )


def _pivot_grid(grid: Grid, columns: Sequence[Column], *, noted: bool) -> Grid:
    """The grid with its columns as rows."""
    heads = []
    texts = [_join(row.labels[:2] if grid.kind == MEASURED else row.labels[:1]) for row in grid.rows]
    for row, text in zip(grid.rows, texts, strict=True):
        short = _join(
            (row.labels[1], row.labels[-1])
            if texts.count(text) > 1
            else row.labels[1:2]
            if grid.kind == MEASURED
            else ()
        )
        if row.seeds:
            short = _join((short, f"{row.seeds} seed{'s' if row.seeds > 1 else ''}"))
        heads.append(Head(row.labels[0], short or "–", _join((row.labels[0], short))))
    rows = tuple(
        GridRow((head.group, head.short), tuple(row.cells[place] for row in grid.rows), head.group)
        for place, head in enumerate(grid.heads)
    )
    return Grid(grid.kind, grid.caption, ("Data", "Task"), tuple(heads), rows)


def _describe_seeds(seeds: int) -> str:
    """How many seeds a line has, and what its ± is over: "3, ± over seeds", "1, ± over items"."""
    return f"{seeds}, ± over {'seeds' if seeds > 1 else 'items'}" if seeds else ""


def _join(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part)


def describe_marks(grid: Grid) -> str:
    """What bold figures and ≈ mean, for a reader who has not come to the notes; "" where the grid has neither."""
    cells = [cell for row in grid.rows for cell in row.cells if cell]
    said = ["bold: best of its column"] if any(cell.rank for cell in cells) else []
    if any(cell.near_best for cell in cells):
        said.append(f"{NEAR_BEST}: a test does not tell it from the best")
    return f"Per cent; {'; '.join(said)}." if said else ""


def format_cell(cell: Cell | None) -> str:
    """A cell without emphasis: "72.3 ± 1.2 ↑", "72.1 ± 3.1 (1 seed) ≈"; published: "39.3 (here +1.2)"."""
    if cell is None:
        return "–"
    text = labels.format_percent(cell.value)
    if cell.spread is not None:
        text += f" ± {labels.format_percent(cell.spread)}"
    if cell.marker:
        text += f" {cell.marker}"
    if cell.fewer:
        text += f" ({cell.seeds} seed{'s' if cell.seeds > 1 else ''})"
    if cell.near_best:
        text += f" {NEAR_BEST}"
    if cell.difference is not None:
        text += f" (here {labels.format_percent(cell.difference, signed=True)})"
    return text
