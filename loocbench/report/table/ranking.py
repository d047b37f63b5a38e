"""The best figure of each column, and the figures that a test cannot tell from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loocbench.report.table import closed_form, comparisons, paired_tests, significance
from loocbench.report.table.cells import Cell, Line, round_figure
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment
from loocbench.report.table.paired_tests import Rows, UnpairableError


@dataclass(frozen=True)
class Untested:
    """A figure that could not be tested against the best of its column, and why."""

    column: Column
    reason: str


def rank_cells(
    lines: Sequence[Line], experiments: Sequence[Experiment], columns: Sequence[Column]
) -> tuple[list[Line], list[Untested]]:
    """The lines with ``Cell.rank`` and ``Cell.p_best`` set, and the figures that could not be tested.

    "best" is the best figure of a column alone, and others only if they equal it; no interval is asked. All others are
    tested against it, see :func:`p_value`; their p-values are corrected over the column (Holm). Columns with a single
    figure, or with a metric without a better end, are not ranked.

    experiments: those of ``lines``, in the same order.
    """
    if not lines:
        return [], []
    by_column, untested = [], []
    for position, column in enumerate(columns):
        cells, reasons = _rank_column([line.cells[position] for line in lines], experiments, column)
        by_column.append(cells)
        untested += [Untested(column, reason) for reason in reasons]
    ranked = [replace(line, cells=tuple(column[place] for column in by_column)) for place, line in enumerate(lines)]
    return ranked, untested


def p_value(first: Experiment, second: Experiment, column: Column) -> float:
    """The p-value of the test of two experiments' difference on a column on which both were measured.

    It is paired by item, and over pretraining seeds where there are several; where items are not stored or not the
    same, it is over the seeds' means alone. Raises UnpairableError where neither is possible.
    """
    own, other = (comparisons.rows_by_checkpoint(one, column) for one in (first, second))
    rows, by_seed = comparisons.choose_rows(own, other)
    try:
        return paired_tests.paired_p_value(*rows, column.metric, by_seed=by_seed)
    except UnpairableError as error:
        if not paired_tests.same_data([row for side in (own, other) for rows in side for row in rows]):
            raise UnpairableError(paired_tests.DIFFERENT_DATA) from error
        if len(own) == len(other) == 1:
            raise UnpairableError(f"{str(error).split(';')[0]}, and there is one seed each") from error
        return closed_form.seeds_p_value(_seed_means(own, column.metric), _seed_means(other, column.metric))


def _rank_column(
    cells: Sequence[Cell | None], experiments: Sequence[Experiment], column: Column
) -> tuple[list[Cell | None], list[str]]:
    """The ranked cells of a column, and why others could not be tested."""
    present = {place: cell for place, cell in enumerate(cells) if cell}
    ranked = list(cells)
    if column.direction == 0 or len(present) < 2:
        return ranked, []
    best = max(present, key=lambda place: column.direction * round_figure(present[place].value))
    p_values, reasons = {}, []
    for place, cell in present.items():
        if round_figure(cell.value) == round_figure(present[best].value):
            ranked[place] = replace(cell, rank="best")
            continue
        try:
            p_values[place] = paired_tests.round_p_value(p_value(experiments[place], experiments[best], column))
        except UnpairableError as error:
            reasons.append(str(error))
    corrected = significance.holm_correction(list(p_values.values()))
    for place, adjusted in zip(p_values, corrected, strict=True):
        ranked[place] = replace(present[place], p_best=paired_tests.round_p_value(adjusted))
    return ranked, reasons


def _seed_means(checkpoints: Sequence[Rows], metric: str) -> list[float]:
    """The mean of each checkpoint's measurements."""
    return [sum(row.metrics[metric].value for row in rows) / len(rows) for rows in checkpoints]
