"""Grids that fit a printed page: labels that all rows share become sentences, columns stand in several tables."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from loocbench.report.formats.grid import Grid, GridRow, Head, format_cell
from loocbench.wording import count_of

PAGE = 108  # characters of a line of a table, in small type
HEADING = 14  # characters per line of a heading
_MODEL_LABEL, _TASK_LABEL = 36, 24  # characters per line of a row's label: models stay on one line
_SHRUNK = 1.15  # so much wider than the page a table may be: smaller by a ninth it is still read
_GAP = 2  # characters between columns
_MODEL, _FEATURES, _SEEDS, _TRAINED_ON = range(4)  # label columns of the measured lines


def shorten_labels(grid: Grid) -> tuple[Grid, list[str]]:
    """Return the grid of measured lines without what its lines were trained on, and sentences that say it.

    The number of seeds is a column only where it differs. Lines that would then read the same say what sets them apart.
    """
    counts = {row.seeds for row in grid.rows if row.seeds}
    seeds = len(counts) > 1
    names = ("Model", "Features", *(["Seeds"] if seeds else []))
    rows = [
        replace(row, labels=(row.title, row.labels[_FEATURES], *([str(row.seeds or "")] if seeds else [])))
        for row in grid.rows
    ]
    said = [] if seeds or not counts else [f"{count_of(counts.pop(), 'pretraining seed')} of each model."]
    return replace(grid, names=names, rows=tuple(rows)), [*said, *_tell_training(grid.rows)]


def split_columns(grid: Grid, width: int = PAGE) -> list[Grid]:
    """Return the grid as grids of neighbouring columns, each with all labels and at most ``width`` characters wide.

    A grid that is only a little wider stays whole, for the page to shrink; else the parts are about equally wide.
    Rows without a figure in a part are left out of it.
    """
    labels = sum(_GAP + max(map(len, texts)) for texts in _label_columns(grid))
    columns = [
        _GAP + max([*_heading_widths(head), *(len(format_cell(row.cells[place])) for row in grid.rows)])
        for place, head in enumerate(grid.heads)
    ]
    if labels + sum(columns) <= _SHRUNK * width:
        return [grid]
    parts = _fill(labels, columns, width)
    for narrower in range(width - 1, labels, -1):  # as many parts, and no lone column in the last one
        balanced = _fill(labels, columns, narrower)
        if len(balanced) > len(parts):
            break
        parts = balanced
    return [_take_columns(grid, part) for part in parts]


def _fill(labels: int, columns: Sequence[int], width: int) -> list[list[int]]:
    """Return the places of the columns in each part: as many as fit beside the labels, and at least one."""
    parts: list[list[int]] = []
    taken = 0
    for place, own in enumerate(columns):
        if not parts or taken + own > width:
            parts.append([])
            taken = labels
        parts[-1].append(place)
        taken += own
    return parts


def fold_heading(text: str) -> list[str]:
    """Return a heading in lines of at most ``HEADING`` characters; longer words stay whole."""
    return _wrap(text, HEADING)


def fold_label(text: str, grid: Grid) -> list[str]:
    """Return a row's label in lines, short ones where the rows are tasks; longer words stay whole."""
    return _wrap(text, _MODEL_LABEL if grid.names[0] == "Model" else _TASK_LABEL)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _label_columns(grid: Grid) -> list[list[str]]:
    return [
        [name, *(line for row in grid.rows for line in fold_label(row.labels[place], grid))]
        for place, name in enumerate(grid.names)
    ]


def _heading_widths(head: Head) -> list[int]:
    return [len(line) for text in (head.group, head.short) for line in fold_heading(text)]


def _take_columns(grid: Grid, places: Sequence[int]) -> Grid:
    rows = [replace(row, cells=tuple(row.cells[place] for place in places)) for row in grid.rows]
    return replace(
        grid, heads=tuple(grid.heads[place] for place in places), rows=tuple(row for row in rows if any(row.cells))
    )


def _tell_training(rows: Sequence[GridRow]) -> list[str]:
    """Return a sentence that says what the rows were trained on, by what most of them were."""
    models: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if text := row.labels[_TRAINED_ON]:
            models[text].append(row.title)
    if not models:
        return []
    most, *others = sorted(models, key=lambda text: -len(models[text]))
    exceptions = [f"{', '.join(dict.fromkeys(models[text]))}: {text}" for text in others]
    return [f"Trained on {'; '.join([most, *exceptions])}."]
