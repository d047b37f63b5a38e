"""Which figures a report has, and the names of their files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, groupby
from pathlib import Path

from loocbench.report.figures import bars, heat_map, line_plots, profile
from loocbench.report.table import columns, epoch_panels, matrices, panels, profiles
from loocbench.report.table.cells import Line
from loocbench.report.table.experiments import group_rows
from loocbench.report.table.panels import Panel
from loocbench.report.table.table import Table
from loocbench.types import Row

Figure = tuple[str, Callable[[list[Path]], None]]  # the file's name without ending, and what draws it into files
PROFILE = "profile"
_MAX_ABREAST = 4  # panels side by side


def list_figures(table: Table, rows: Sequence[Row]) -> Iterator[Figure]:
    """The figures of a table and the rows it shows: profiles, bars by feature space, heat maps, few-shot curves, curves
    over the epochs of a training, and others."""
    cards, experiments = columns.load_cards(rows), group_rows(rows)
    if drawing := draw_profiles_of(table, rows):
        yield PROFILE, drawing
    by_group = groupby(enumerate(table.columns), key=lambda pair: (pair[1].group, pair[1].note))
    for (name, note), members in by_group:
        places = [place for place, _ in members]
        lines = [_select_cells(line, places) for line in table.measured]
        shown = [line for line in lines if any(line.cells)]
        title = f"{name} [{note}]" if note else name
        group = [table.columns[place] for place in places]
        yield f"spaces-{slugify(title)}", partial(bars.draw_bars, group, shown, title)
    for matrix in matrices.build_matrices(experiments, cards):
        title = f"{matrix.title}: {matrix.model} ({matrix.trained_on})"
        name = f"sensitivity-{slugify(matrix.title)}-{slugify(matrix.model)}-{slugify(matrix.rows[0].checkpoint)}"
        yield name, partial(heat_map.draw_heat_map, matrix.rows, matrix.changes, title)
    for panel in panels.few_shot_panels(table.columns, cards, table.measured):
        yield f"few-shot-{slugify(panel.group)}-{slugify(panel.title)}", partial(line_plots.draw_line_plots, [panel])
    yield from _list_line_plots("epochs", epoch_panels.epoch_panels(table.columns, experiments))
    every = panels.curve_panels(table.columns, cards, experiments)
    for title, members_of in groupby(every, key=lambda panel: panel.title):
        yield from _list_line_plots(f"curves-{slugify(title)}", list(members_of))


def _list_line_plots(name: str, own: Sequence[Panel]) -> Iterator[Figure]:
    """Panels side by side, in several numbered figures where there are too many for one."""
    for begin in range(0, len(own), _MAX_ABREAST):
        part = f"-{begin // _MAX_ABREAST + 1}" if len(own) > _MAX_ABREAST else ""
        yield f"{name}{part}", partial(line_plots.draw_line_plots, own[begin : begin + _MAX_ABREAST])


def draw_profiles_of(
    table: Table, rows: Sequence[Row], *, abreast: int = profile.ABREAST
) -> Callable[[list[Path]], None] | None:
    """What draws the profiles of a table's models into files; None where it answers less than two questions. abreast:
    panels side by side."""
    cards = columns.load_cards(rows)
    profiles_of_lines = profiles.build_profiles(table.columns, cards, table.measured)
    if not profiles_of_lines:
        return None
    title = "What each model kept (95 % intervals)"
    questions = profiles.list_questions(table.columns, cards)
    return partial(profile.draw_profiles, questions, profiles_of_lines, title, abreast=abreast)


def number_duplicates(figures: Sequence[Figure]) -> list[Figure]:
    """The figures; a name that is taken gets a number, so that no figure replaces another."""
    found: dict[str, Callable[[list[Path]], None]] = {}
    for name, drawing in figures:
        names = (f"{name}-{number}" if number > 1 else name for number in count(1))
        found[next(free for free in names if free not in found)] = drawing
    return list(found.items())


def slugify(text: str) -> str:
    """Text as part of a file name: letters of any script and digits; "+" becomes "p", so that LooC++ is not LooC."""
    return re.sub(r"[\W_]+", "-", text.lower().replace("+", "p")).strip("-") or "unnamed"


def _select_cells(line: Line, places: Sequence[int]) -> Line:
    return replace(line, cells=tuple(line.cells[place] for place in places))
