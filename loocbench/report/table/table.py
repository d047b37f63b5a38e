"""The comparison table, independent of its format: experiments as lines, tasks and metrics as columns.

Figures are fractions of 1: as stored, or their plain means; intervals over seeds are rounded to 12 decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loocbench.report.table import (
    columns,
    comparisons,
    headline,
    line_names,
    notes,
    published,
    ranking,
    scale,
    selection,
    signs,
    sorting,
)
from loocbench.report.table.aggregation import Spread, aggregate_cells
from loocbench.report.table.cells import Line
from loocbench.report.table.columns import Column
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.experiments import Experiment, group_rows
from loocbench.report.table.selection import Selection
from loocbench.report.table.signs import SignLine
from loocbench.types import Row


@dataclass(frozen=True)
class Table:
    """A comparison table.

    measured: one line per experiment. scale: reference lines (a random ranking, the best possible one). published:
    figures from papers, apart from the measured ones. tests: the paired tests that were asked for. notes: sentences
    that a reader must know. headline: positions of the columns that answer a question best. experiments: those of the
    measured lines, in their order. signs: label-free signs of the lines, beside the table.
    """

    columns: tuple[Column, ...]
    measured: tuple[Line, ...]
    scale: tuple[Line, ...] = ()
    published: tuple[Line, ...] = ()
    tests: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    headline: tuple[int, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    signs: tuple[SignLine, ...] = ()

    def filled_columns(self, lines: Sequence[Line]) -> list[int]:
        """Positions of the columns in which at least one of the lines has a cell."""
        return [position for position in range(len(self.columns)) if any(line.cells[position] for line in lines)]


@dataclass(frozen=True)
class TableOptions:
    """Options of :func:`build_table`.

    spread: ± is half the 95 % interval, or the standard deviation over pretraining seeds. sort: "model" (the order of
    the paper's tables), or TASK or TASK:METRIC, best first. against: name of the line against which all others are
    tested; every_pair: test all pairs. headline: show only the columns that answer a question best, and the one that
    is sorted by.
    """

    chosen: Selection = field(default_factory=Selection)
    every_metric: bool = False
    spread: Spread = "interval"
    sort: str = "model"
    reverse: bool = False
    against: str = ""
    every_pair: bool = False
    headline: bool = False


def build_table(rows: Sequence[Row], options: TableOptions | None = None) -> Table:
    """Build the comparison table of some rows.

    Only the newest version of a task and the newest weights of a checkpoint's name are shown; rows measured on other
    images than the rest of a column get a column of their own. Cells are described in
    :func:`~loocbench.report.table.aggregation.aggregate_cells`. Raises UserError for a filter, a column to sort by or a
    line name that fits nothing.
    """
    options = options or TableOptions()
    selected = selection.select_rows(rows, options.chosen)
    reported = selection.select_reported(rows, options.chosen)
    cards = columns.load_cards(reported)
    shown = columns.choose_columns(reported, cards, every_metric=options.every_metric, metrics=options.chosen.metrics)
    every = len(shown)
    if options.headline:
        wanted = set(headline.choose_headline(shown, cards)) | set(sorting.find_columns(shown, options.sort))
        shown = [shown[place] for place in sorted(wanted)]
    experiments = group_rows(reported)
    lines = [
        Line(
            one.model, one.features, one.trained_on, aggregate_cells(one, shown, options.spread), one.family, one.seeds
        )
        for one in experiments
    ]
    beside = signs.build_signs(
        line_names.tell_apart(lines), experiments, cards, spread=options.spread, metrics=options.chosen.metrics
    )
    with_figures = [place for place, line in enumerate(lines) if any(line.cells)]
    experiments = [experiments[place] for place in with_figures]
    lines = line_names.tell_apart([lines[place] for place in with_figures])
    tests = comparisons.compare_lines(experiments, shown, against=options.against, every_pair=options.every_pair)
    lines, untested = ranking.rank_cells(lines, experiments, shown)
    if options.against:
        lines = comparisons.mark_lines(lines, experiments, shown, tests)
    order = sorting.order_lines(lines, shown, key=options.sort, reverse=options.reverse)
    return Table(
        columns=tuple(shown),
        measured=tuple(lines[place] for place in order),
        scale=tuple(scale.scale_lines(reported, shown)),
        published=tuple(published.published_lines(shown, cards, experiments, lines)),
        tests=tuple(tests),
        notes=tuple(
            notes.write_notes(
                reported,
                shown,
                chosen=options.chosen,
                spread=options.spread,
                superseded=len(selected) - len(reported),
                tests=tests,
                untested=untested,
                cards=cards,
                left_out=every - len(shown),
            )
        ),
        headline=tuple(headline.choose_headline(shown, cards)),
        experiments=tuple(experiments[place] for place in order),
        signs=tuple(beside),
    )
