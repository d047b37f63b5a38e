"""Which experiments are tested against one another, and on which of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from loocbench.errors import UserError
from loocbench.report.table import columns, experiment_names, selection, significance
from loocbench.report.table.cells import SIGNIFICANCE_LEVEL, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment
from loocbench.report.table.paired_tests import PairedResult, Rows, UnpairableError, run_paired_test
from loocbench.types import Row


@dataclass(frozen=True)
class Comparison:
    """Two experiments on one column. rows: the tested rows of each side.

    result: the paired test; None if it could not be run, and then ``reason`` says why. adjusted: p after Holm's
    correction over all tests of the report.
    """

    first: Experiment
    second: Experiment
    column: Column
    rows: tuple[Rows, Rows]
    result: PairedResult | None
    reason: str = ""
    adjusted: float = 1.0

    @property
    def significant(self) -> bool:
        """Whether the adjusted p-value is below ``SIGNIFICANCE_LEVEL``."""
        return self.result is not None and self.adjusted < SIGNIFICANCE_LEVEL

    @property
    def marker(self) -> str:
        """↑ if the first is significantly better, ↓ if worse, ≠ if the metric has no better end, else ""."""
        if not self.significant or self.result is None:
            return ""
        if self.column.direction == 0:
            return "≠"
        return "↑" if self.result.difference * self.column.direction > 0 else "↓"


def compare_lines(
    experiments: Sequence[Experiment], shown: Sequence[Column], *, against: str, every_pair: bool
) -> list[Comparison]:
    """Tests of all experiments against the one named ``against``, or of every pair; [] if neither is asked for.

    The p-values are adjusted over all of them. Raises UserError for a name that fits no experiment or several.
    """
    if against:
        reference = experiment_names.find_line(experiments, against)
        pairs = [(one, reference) for one in experiments if one is not reference]
        if not pairs:
            raise UserError(f"there is no other line to test against '{against}'; two seeds of one model are one line.")
    elif every_pair:
        pairs = list(combinations(experiments, 2))
    else:
        return []
    return _adjust_p_values(
        [
            comparison
            for column in shown
            for first, second in pairs
            if (comparison := compare_experiments(first, second, column)) is not None
        ]
    )


def compare_named(
    rows: Sequence[Row], first: str, second: str, *, every_metric: bool = False
) -> tuple[Experiment, Experiment, list[Comparison]]:
    """Two experiments and their tests on every task on which both were measured; p is adjusted over these tests.

    first, second: as for :func:`~loocbench.report.table.experiment_names.find_experiment`. Raises UserError if a name
    does not fit one experiment, if both fit the same, or if they have no task in common.
    """
    newest = selection.select_newest(rows)
    one, other = (experiment_names.find_experiment(newest, name) for name in (first, second))
    if one.checkpoints == other.checkpoints and one.features == other.features:
        raise UserError(f"'{first}' and '{second}' are the same: {one.name}.")
    cards = columns.load_cards(newest)
    shown = columns.choose_columns([*one.rows, *other.rows], cards, every_metric=every_metric, metrics=())
    comparisons = [comparison for column in shown if (comparison := compare_experiments(one, other, column))]
    if not comparisons:
        raise UserError(f"{one.name} and {other.name} were measured on no task in common; measure both on one.")
    return one, other, _adjust_p_values(comparisons)


def compare_experiments(first: Experiment, second: Experiment, column: Column) -> Comparison | None:
    """The test of two experiments on a column; None if one of them was not measured."""
    own, other = rows_by_checkpoint(first, column), rows_by_checkpoint(second, column)
    if not own or not other:
        return None
    rows, by_seed = choose_rows(own, other)
    try:
        return Comparison(first, second, column, rows, run_paired_test(*rows, column.metric, by_seed=by_seed))
    except UnpairableError as error:
        return Comparison(first, second, column, rows, None, str(error))


def mark_lines(
    lines: Sequence[Line], experiments: Sequence[Experiment], shown: Sequence[Column], tests: Sequence[Comparison]
) -> list[Line]:
    """The lines with each cell's marker: that of its experiment's test on its column, as the first side."""
    markers = {(id(test.first), test.column): test.marker for test in tests if test.marker}
    marked = []
    for line, experiment in zip(lines, experiments, strict=True):
        cells = tuple(
            cell and replace(cell, marker=markers.get((id(experiment), column), ""))
            for cell, column in zip(line.cells, shown, strict=True)
        )
        marked.append(replace(line, cells=cells))
    return marked


def _adjust_p_values(comparisons: Sequence[Comparison]) -> list[Comparison]:
    corrected = iter(significance.holm_correction([one.result.p for one in comparisons if one.result]))
    return [replace(one, adjusted=next(corrected)) if one.result else one for one in comparisons]


def rows_by_checkpoint(experiment: Experiment, column: Column) -> list[Rows]:
    """The rows of each checkpoint, by measurement seed."""
    found: dict[str, list[Row]] = {}
    for row in sorted(experiment.rows, key=lambda row: row.seed):
        if (row.task, row.dataset_note) == (column.task, column.note) and column.metric in row.metrics:
            found.setdefault(row.checkpoint_hash, []).append(row)
    return [tuple(rows) for rows in found.values()]


def choose_rows(first: Sequence[Rows], second: Sequence[Rows]) -> tuple[tuple[Rows, Rows], bool]:
    """One row per checkpoint of each side, and whether they are paired by pretraining seed.

    They are paired if both sides have the same pretraining seeds, each once. No seed is left out to make pairs, since
    the test would then be of other figures than the table's. Among several measurements of a checkpoint, the lowest
    seed that both of a pair have (unpaired: that all checkpoints have) is taken.
    """
    one, other = ([rows[0].pretraining_seed for rows in side] for side in (first, second))
    if None not in one and len(set(one)) == len(one) and sorted(map(str, one)) == sorted(map(str, other)):
        partners = {rows[0].pretraining_seed: rows for rows in second}
        pairs = [_with_common_seed([rows, partners[seed]]) for seed, rows in zip(one, first, strict=True)]
        return (tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)), True
    rows = _with_common_seed([*first, *second])
    return (tuple(rows[: len(first)]), tuple(rows[len(first) :])), False


def _with_common_seed(checkpoints: Sequence[Rows]) -> list[Row]:
    """One row per checkpoint: that of the lowest measurement seed that all have, else of its own lowest."""
    common = set.intersection(*({row.seed for row in rows} for rows in checkpoints))
    return [next(row for row in rows if not common or row.seed == min(common)) for rows in checkpoints]
