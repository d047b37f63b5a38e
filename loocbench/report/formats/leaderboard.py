"""The pages of a leaderboard: the headline table of several stores, and a page with the provenance of each line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loocbench.records.several import Conflict, MergedRows, StoredRow
from loocbench.report.formats import html_grid
from loocbench.report.formats.comparison_rows import COMPARISON_HEADINGS, format_comparisons
from loocbench.report.formats.grid import Grid, build_grids, format_cell
from loocbench.report.formats.row_fields import render_fields
from loocbench.report.formats.single_file_page import render_page
from loocbench.report.table import labels
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.table import Table

_SHOWN_METRICS = 3  # of two rows that differ


@dataclass(frozen=True)
class LinePage:
    """The page of a measured line. name: of its file. rows: those behind its figures, with the note of their column."""

    name: str
    line: Line
    rows: tuple[tuple[str, StoredRow], ...]


@dataclass(frozen=True)
class Section:
    """The rows of a line on one task. figures: (anchor, column, the line's cell) of each of its columns."""

    title: str
    figures: tuple[tuple[str, Column, Cell], ...]
    rows: tuple[StoredRow, ...]


def render_index(table: Table, pages: Sequence[LinePage], merged: MergedRows, title: str) -> str:
    """Return the first page: figures that lead to their rows, published figures apart, stores and conflicts.

    pages: of the measured lines of ``table``, in its order.
    """
    grids = build_grids(table)
    measured = grids[0]
    positions = table.filled_columns([*table.measured, *table.scale])

    def link(row: int, cell: int) -> str:
        return f"{pages[row].name}#{_anchor(positions[cell])}" if row < len(pages) else ""

    counts = Counter(stored.store for stored in merged.rows.values())
    return render_page(
        "leaderboard",
        styles=["page", "leaderboard"],
        scripts=["page"],
        title=title,
        grids=grids,
        link=link,
        more=sum(not head.headline for head in measured.heads),
        features=sorted({line.features for line in table.measured}, key=labels.natural_key),
        groups=_list_groups(measured),
        best=html_grid.best_figures(measured),
        group_spans=html_grid.group_spans,
        tooltip=html_grid.describe_cell,
        describe_line=html_grid.describe_line,
        format_cell=format_cell,
        directions={column.heading: column.direction for column in table.columns},
        tests=format_comparisons(table.tests),
        test_headings=COMPARISON_HEADINGS,
        stores=[(name, counts[name], *_describe_store(name, merged)) for name in merged.stores],
        repeated=merged.repeated,
        unreadable=Counter(one.reason for one in merged.unreadable).most_common(),
        conflicts=[_describe_conflict(one) for one in merged.conflicts],
        notes=table.notes,
    )


def render_line(table: Table, page: LinePage, merged: MergedRows, title: str, index: str) -> str:
    """Return the page of a measured line: each figure with the rows behind it, and all that these rows say.

    index: the name of the first page.
    """
    apart: dict[tuple[str, Path], list[Conflict]] = defaultdict(list)
    for one in merged.conflicts:
        apart[one.shown.store, one.shown.path].append(one)
    return render_page(
        "leaderboard_line",
        styles=["page", "leaderboard"],
        scripts=[],
        title=f"{page.line.title}, {page.line.features}",
        site=title,
        index=index,
        line=page.line,
        sections=list_sections(table, page),
        format_cell=format_cell,
        tooltip=html_grid.describe_cell,
        format_percent=labels.format_percent,
        format_time=labels.format_time,
        render_fields=render_fields,
        conflicts_of=lambda stored: [
            f"{one.other.store}: {_describe_difference(one)}" for one in apart.get((stored.store, stored.path), ())
        ],
    )


def list_sections(table: Table, page: LinePage) -> list[Section]:
    """Return the tasks of a line, in the order of the table's columns; a copy of the data has a section of its own."""
    figures: dict[tuple[str, str], list[tuple[str, Column, Cell]]] = defaultdict(list)
    for position, (column, cell) in enumerate(zip(table.columns, page.line.cells, strict=True)):
        if cell is not None:
            figures[column.task, column.note].append((_anchor(position), column, cell))
    return [
        Section(
            f"{task} [{note}]" if note else task,
            tuple(own),
            tuple(
                sorted(
                    (stored for of, stored in page.rows if (stored.row.task, of) == (task, note)),
                    key=lambda stored: (stored.row.pretraining_seed or 0, stored.row.seed),
                )
            ),
        )
        for (task, note), own in figures.items()
    ]


def _anchor(position: int) -> str:
    """Return where a line's page shows the figure of a column."""
    return f"figure-{position + 1}"


def _list_groups(grid: Grid) -> list[str]:
    return list(dict.fromkeys(head.group for head in grid.heads))


def _describe_store(name: str, merged: MergedRows) -> tuple[str, str]:
    """Return the versions of loocbench and the machines that the shown rows of a store were measured with."""
    rows = [stored.row for stored in merged.rows.values() if stored.store == name]
    versions = sorted({row.versions.get("loocbench", "not recorded") for row in rows})
    return ", ".join(versions), ", ".join(sorted({row.hardware for row in rows}))


def _describe_conflict(one: Conflict) -> tuple[str, ...]:
    row = one.shown.row
    which = f"{row.model}, {row.features}, checkpoint {row.checkpoint}, seed {row.seed}"
    return row.task, which, one.shown.store, one.other.store, _describe_difference(one)


def _describe_difference(one: Conflict) -> str:
    """Return in which figures the other row of a conflict differs: "top-1 70.9 instead of 71.2"."""
    if one.same_figures:
        return "the same figures"
    shown, other = one.shown.row.metrics, one.other.row.metrics
    differing = [name for name in shown if name in other and shown[name] != other[name]]
    said = [
        f"{labels.format_metric(name)} {labels.format_percent(other[name].value)} instead of "
        f"{labels.format_percent(shown[name].value)}"
        for name in differing[:_SHOWN_METRICS]
    ]
    if len(differing) > _SHOWN_METRICS:
        said.append(f"{len(differing) - _SHOWN_METRICS} more")
    return ", ".join(said) or "other circumstances that decide the figures"
