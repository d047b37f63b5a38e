"""A table as it is laid out: label columns, headed columns of figures, rows; with models or with tasks as rows.

Every format shows the same grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loocbench.report.table import labels
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.pairs import Comparison, Result
from loocbench.report.table.table import Table


@dataclass(frozen=True)
class Head:
    """Above a column of figures: heads of one group stand side by side below its name. title: both in one line."""

    group: str
    short: str
    title: str


@dataclass(frozen=True)
class GridRow:
    """labels: one a label column. family: rows that belong together follow one another."""

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    family: str = ""


@dataclass(frozen=True)
class Grid:
    """names: what is above the label columns. kind: what its figures are."""

    kind: str
    caption: str
    names: tuple[str, ...]
    heads: tuple[Head, ...]
    rows: tuple[GridRow, ...]


MEASURED, SCALE, PUBLISHED = "measured", "scale", "published"
_APART = (
    "Copied from the papers, not measured here; other images, budget and protocol unless said otherwise. 'here' is by "
    "how much the measured figure differs where the evaluation's images and protocol are the same; pretraining may "
    "differ."
)


def grids(table: Table, *, pivot: bool = False) -> list[Grid]:
    """The measured lines with those of the scale below them, and the published ones apart."""
    found = [_grid(table, table.measured, table.scale, pivot=pivot)]
    if table.published:
        found.append(_published(table, pivot=pivot))
    return found


def _grid(table: Table, measured: Sequence[Line], scale: Sequence[Line], *, pivot: bool) -> Grid:
    lines = [*measured, *scale]
    positions = table.filled(lines)
    rows = [
        GridRow(
            (line.model, line.features, line.trained_on),
            tuple(line.cells[position] for position in positions),
            SCALE if place >= len(measured) else line.family,
        )
        for place, line in enumerate(lines)
    ]
    columns = [table.columns[position] for position in positions]
    grid = Grid(MEASURED, "Measured", ("Model", "Features", "Trained on"), _heads(columns, noted=True), tuple(rows))
    return _pivoted(grid, columns, noted=True) if pivot else grid


def _published(table: Table, *, pivot: bool) -> Grid:
    positions = table.filled(table.published)
    rows = [
        GridRow((f"{line.model} (published)", line.trained_on), tuple(line.cells[position] for position in positions))
        for line in table.published
    ]
    columns = [table.columns[position] for position in positions]
    grid = Grid(PUBLISHED, _APART, ("Model", "Source"), _heads(columns, noted=False), tuple(rows))
    return _pivoted(grid, columns, noted=False) if pivot else grid


def _heads(columns: Sequence[Column], *, noted: bool) -> tuple[Head, ...]:
    """Published figures are of the official set, so only measured ones carry the note of a copy."""
    return tuple(
        Head(f"{one.group} [{one.note}]", one.short, one.heading)
        if noted and one.note
        else Head(one.group, one.short, one.title)
        for one in columns
    )


def _pivoted(grid: Grid, columns: Sequence[Column], *, noted: bool) -> Grid:
    """Tasks as rows."""
    heads = []
    texts = [_joined(row.labels[:2] if grid.kind == MEASURED else row.labels[:1]) for row in grid.rows]
    for row, text in zip(grid.rows, texts, strict=True):
        short = _joined(row.labels[1:] if texts.count(text) > 1 else row.labels[1:2] if grid.kind == MEASURED else ())
        heads.append(Head(row.labels[0], short or "–", _joined((row.labels[0], short))))
    rows = tuple(
        GridRow((head.group, head.short), tuple(row.cells[place] for row in grid.rows), head.group)
        for place, head in enumerate(grid.heads)
    )
    return Grid(grid.kind, grid.caption, ("Data", "Task"), tuple(heads), rows)


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part)


def cell_text(cell: Cell | None) -> str:
    """A cell without emphasis: "72.3 ± 1.2 ↑", "72.3 ± 3.1 (1 seed)", or of a published one "39.3 (here +1.2)"."""
    if cell is None:
        return "–"
    text = labels.percent(cell.value)
    if cell.spread is not None:
        text += f" ± {labels.percent(cell.spread)}"
    if cell.marker:
        text += f" {cell.marker}"
    if cell.fewer:
        text += f" ({cell.seeds} seed{'s' if cell.seeds > 1 else ''})"
    if cell.difference is not None:
        text += f" (here {labels.percent(cell.difference, signed=True)})"
    return text


TEST_NAMES = ("Task", "First", "Second", "Difference", "95 % interval", "Test", "p", "p (Holm)", "")


def comparison_rows(tests: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """The paired tests as text, one row each under ``TEST_NAMES``."""
    rows: list[tuple[str, ...]] = []
    for test in tests:
        first, second = _told_apart(test)
        found = test.result
        if found is None:
            rows.append((test.column.heading, first, second, "–", "–", test.reason, "–", "–", ""))
            continue
        counts = f", {found.only_first} against {found.only_second} of {found.n:,}" if found.test == "McNemar" else ""
        rows.append(
            (
                test.column.heading,
                first,
                second,
                labels.percent(found.difference, signed=True),
                f"{labels.percent(found.low, signed=True)} to {labels.percent(found.high, signed=True)}",
                f"{found.test}{counts}{_seeds(found)}",
                labels.p_value(found.p),
                labels.p_value(test.adjusted),
                test.marker,
            )
        )
    return rows


def _seeds(result: Result) -> str:
    first, second = result.seeds
    if first == second == 1:
        return ""
    return f", {first} seeds" if result.by_seed else f", {first} and {second} seeds, not paired"


def _told_apart(test: Comparison) -> tuple[str, str]:
    first, second = test.first.name, test.second.name
    if first == second:
        return f"{first}, {test.first.trained_on}", f"{second}, {test.second.trained_on}"
    return first, second
