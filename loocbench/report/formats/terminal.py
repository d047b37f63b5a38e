"""The table on the terminal, in as many blocks of columns as the terminal's width requires."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from loocbench.report.formats.comparison_rows import COMPARISON_HEADINGS, format_comparisons
from loocbench.report.formats.grid import MEASURED, PUBLISHED, SCALE, Grid, build_grids, describe_marks, format_cell
from loocbench.report.formats.sign_rows import SIGNS_CAPTION, SIGNS_TITLE, format_signs, sign_headings
from loocbench.report.table.cells import Cell
from loocbench.report.table.table import Table
from loocbench.wording import longest_word

_COLUMN = 15  # characters of a column of figures, with borders
_TEST_COLUMNS = 5  # of a table of paired tests share the width
_FRAME = 3  # of these the borders
_SEEDS = 8  # of the column of the number of seeds


def print_table(table: Table, console: Console, *, pivot: bool = False) -> None:
    """Print the measured and published figures, the paired tests, the label-free signs and the notes."""
    for grid in build_grids(table, pivot=pivot) if table.columns else []:
        caption = grid.caption
        if grid.kind == PUBLISHED:
            sources = "; ".join(sorted({line.trained_on for line in table.published}))
            caption = f"Published, not measured here: {sources}"
        console.print(caption, style="bold", highlight=False, markup=False)
        if describe_marks(grid):
            console.print(describe_marks(grid), style="dim", highlight=False, markup=False)
        _print_grid(grid, console)
    if table.tests:
        _print_tests(table, console)
    if table.signs:
        _print_signs(table, console)
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)


def _print_grid(grid: Grid, console: Console) -> None:
    names = _row_names(grid)
    widest = max(18, console.width - 2 * _COLUMN - 4)  # of a name, so that two columns of figures fit beside it
    counts = {row.seeds for row in grid.rows if row.seeds}
    seeds = len(counts) > 1
    taken = 4 + seeds * _SEEDS
    longest, folded = (min(width, widest) for width in _name_widths(names))
    widest_head = console.width - min(longest, folded) - taken - _FRAME
    figures = [max((_cell_width(row.cells[place]) for row in grid.rows), default=0) for place in range(len(grid.heads))]
    heads = [
        min(max(_COLUMN - _FRAME, longest_word([head.title]), figure), max(widest_head, 1))
        for head, figure in zip(grid.heads, figures, strict=True)
    ]
    blocks, fewer = (_split_heads(heads, console.width - width - taken) for width in (longest, folded))
    if len(fewer) < len(blocks):
        longest, blocks = folded, fewer
    if len(counts) == 1:
        (number,) = counts
        each = "one seed" if number == 1 else f"{number} seeds"
        console.print(f"{each} of each model", style="dim", highlight=False)
    for places in blocks:
        rows = [(name, row, [row.cells[place] for place in places]) for name, row in zip(names, grid.rows, strict=True)]
        rows = [(name, row, cells) for name, row, cells in rows if any(cells)]
        shown = RichTable()
        shown.add_column("model" if grid.names[0] == "Model" else "task", max_width=longest, overflow="fold")
        if seeds:
            shown.add_column("seeds", justify="right", no_wrap=True)
        for place in places:
            title = Text(grid.heads[place].title)
            shown.add_column(title, justify="right", max_width=heads[place], overflow="fold")
        for place, (name, row, cells) in enumerate(rows):
            last = place + 1 < len(rows) and (row.family == SCALE) != (rows[place + 1][1].family == SCALE)
            stated = [str(row.seeds or "")] if seeds else []
            texts = [_text(cell, heads[column]) for cell, column in zip(cells, places, strict=True)]
            shown.add_row(Text(name), *stated, *texts, end_section=last)
        console.print(shown)


def _split_heads(widths: Sequence[int], available: int) -> list[list[int]]:
    """The places of the columns of figures of each table: as many as fit, and at least one."""
    tables: list[list[int]] = []
    taken = available
    for place, width in enumerate(widths):
        if not tables or taken + width + _FRAME > available:
            tables.append([])
            taken = 0
        tables[-1].append(place)
        taken += width + _FRAME
    return tables


def _name_widths(names: Sequence[str]) -> tuple[int, int]:
    """The width of the longest name, and the least width at which every name takes two lines at most."""
    longest = max(map(len, names), default=0)
    narrowest = max((len(word) for name in names for word in name.split()), default=0)
    fits = (
        width
        for width in range(narrowest, longest)
        if all(len(textwrap.wrap(name, width, break_on_hyphens=False)) <= 2 for name in names)
    )
    return longest, next(fits, longest)


def _row_names(grid: Grid) -> list[str]:
    """The shortest names of the rows that tell them apart."""

    if grid.kind != MEASURED:
        return [", ".join(row.labels) if grid.names[0] != "Model" else row.labels[0] for row in grid.rows]
    return [" ".join(filter(None, [*row.labels[:2], row.apart and f"[{row.apart}]"])) for row in grid.rows]


def _cell_width(cell: Cell | None) -> int:
    """The width that a figure needs: what is in brackets may stand on a line of its own, a mark beside it may not."""
    return max(map(len, _fold(format_cell(cell)).split("\n")))


def _fold(text: str) -> str:
    return text.replace(" (", "\n(")


def _text(cell: Cell | None, width: int) -> Text:
    text = format_cell(cell)
    return Text(text if len(text) <= width else _fold(text), style="bold" if cell and cell.rank == "best" else "")


def _print_tests(table: Table, console: Console) -> None:
    console.print("Paired tests, p after Holm's correction", style="bold", highlight=False, markup=False)
    rows = []
    for row in format_comparisons(table.tests):
        values = dict(zip(COMPARISON_HEADINGS, row, strict=True))
        difference = f"{values['Difference']}\n{values['95 % interval']}"
        pair = f"{values['First']}\n{values['Second']}"
        rows.append((values["Task"], pair, difference, values["Test"], values["p (Holm)"], values[""]))
    shown = RichTable()
    for name, cells in zip(
        ("task", "first against second", "difference", "test", "p (Holm)", ""), zip(*rows, strict=True), strict=True
    ):
        side: Literal["left", "right"] = "right" if name in ("difference", "p (Holm)") else "left"
        narrowest = min(longest_word([name, *cells]), console.width // _TEST_COLUMNS)
        shown.add_column(name, justify=side, overflow="fold", min_width=narrowest, no_wrap=not name)
    for texts in rows:
        shown.add_row(*map(Text, texts))
    console.print(shown)


def _print_signs(table: Table, console: Console) -> None:
    """Print the signs; the number of seeds and remarks stand with the names, so that 80 columns are enough."""
    console.print(SIGNS_TITLE, style="bold", highlight=False, markup=False)
    console.print(SIGNS_CAPTION, style="dim", highlight=False, markup=False)
    headings = sign_headings(table.signs)
    shown = RichTable()
    for name in ("model", "data", *headings[4:-1]):
        left = name in ("model", "data")
        shown.add_column(name, justify="left" if left else "right", overflow="fold")
    for model, features, seeds, data, *figures, remark in format_signs(table.signs):
        name = f"{model} {features}" + (f", {seeds} seeds" if seeds != "1" else "")
        shown.add_row(Text("\n".join(filter(None, [name, remark]))), Text(data), *map(Text, figures))
    console.print(shown)
