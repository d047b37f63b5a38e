"""Which experiments are tested against one another, on which rows, and by which test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from loocbench.errors import UserError
from loocbench.report.table import significance
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment
from loocbench.types import Row

LEVEL = 0.05
Rows = tuple[Row, ...]


@dataclass(frozen=True)
class Result:
    """Two experiments on one metric. difference: of the first to the second, with its 95 % interval.

    test: which one p is of. only_first, only_second: items that one alone got right, where that is a question.
    seeds: how many checkpoints each side has; by_seed: whether they are pairs, of the same pretraining seeds. n: items.
    """

    difference: float
    low: float
    high: float
    test: Literal["McNemar", "bootstrap", "Student"]
    p: float
    seeds: tuple[int, int]
    by_seed: bool
    n: int
    only_first: int | None = None
    only_second: int | None = None


@dataclass(frozen=True)
class Comparison:
    """A test of a report. rows: those tested, of each side. result: None where ``reason`` says why there is none.
    adjusted: p after Holm's correction over all tests of the report."""

    first: Experiment
    second: Experiment
    column: Column
    rows: tuple[Rows, Rows]
    result: Result | None
    reason: str = ""
    adjusted: float = 1.0

    @property
    def significant(self) -> bool:
        """At the level of 5 %, after the correction."""
        return self.result is not None and self.adjusted < LEVEL

    @property
    def marker(self) -> str:
        """↑ where the first is significantly better, ↓ where it is worse; ≠ where the metric has no better end."""
        if not self.significant or self.result is None:
            return ""
        if self.column.direction == 0:
            return "≠"
        return "↑" if self.result.difference * self.column.direction > 0 else "↓"


def tests(
    experiments: Sequence[Experiment], columns: Sequence[Column], *, against: str, every_pair: bool
) -> list[Comparison]:
    """All experiments against the one that ``against`` names, or all against all; none where neither is asked for.

    The p-values are adjusted over all of them together. Raises UserError for a name that does not say which.
    """
    if against:
        reference = named(experiments, against)
        chosen = [(one, reference) for one in experiments if one is not reference]
        if not chosen:
            raise UserError(f"there is no other line to test against '{against}'; two seeds of one model are one line.")
    elif every_pair:
        chosen = list(combinations(experiments, 2))
    else:
        return []
    return adjusted(
        [
            comparison
            for column in columns
            for first, second in chosen
            if (comparison := compare(first, second, column)) is not None
        ]
    )


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with Holm's correction over them."""
    tested = [one.result.p for one in comparisons if one.result]
    corrected = iter(significance.holm(tested))
    return [replace(one, adjusted=next(corrected)) if one.result else one for one in comparisons]


def compare(first: Experiment, second: Experiment, column: Column) -> Comparison | None:
    """Test two experiments on a column; None where one of them was not measured."""
    own, other = _units(first, column), _units(second, column)
    if not own or not other:
        return None
    rows, by_seed = _sides(own, other)
    try:
        return Comparison(first, second, column, rows, paired(*rows, column.metric, by_seed=by_seed))
    except _UnpairableError as error:
        return Comparison(first, second, column, rows, None, str(error))


class _UnpairableError(Exception):
    """Why rows cannot be tested in pairs."""


def paired(first: Rows, second: Rows, metric: str, *, by_seed: bool) -> Result:
    """Test rows of two models, one a checkpoint, in pairs of the same items; by_seed: the rows are pairs, too.

    Right or wrong answers of one row each: exact McNemar; else the bootstrap, of few items Student's test.
    """
    rows = [*first, *second]
    if any(metric not in row.items for row in rows):
        raise _UnpairableError("no single items are stored; measure again with --overwrite")
    if len({_what(row) for row in rows}) > 1:
        raise _UnpairableError("measured on different images")
    same_draws = len({row.draws for row in rows}) == 1
    if not same_draws and not (by_seed and all(a.draws == b.draws for a, b in zip(first, second, strict=True))):
        raise _UnpairableError("different images were drawn; measure with the same --seed")
    values = [[_values(row, metric) for row in side] for side in (first, second)]
    if len({len(part) for side in values for part in side}) > 1 and same_draws:
        raise _UnpairableError("different numbers of items are stored")
    (one, *more_first), (other, *more_second) = values
    if min(len(part) for side in values for part in side) < 2:
        raise _UnpairableError("a single item is stored")
    floats = [[part.astype(float) for part in side] for side in values]
    found = significance.bootstrap(*floats, by_seed=by_seed, same_items=same_draws)
    seeds, n = (len(first), len(second)), len(one)
    if not more_first and not more_second and one.dtype == bool and other.dtype == bool:
        exact = significance.mcnemar(one, other)
        return Result(
            found.value,
            found.low,
            found.high,
            "McNemar",
            exact.p,
            seeds,
            by_seed,
            n,
            exact.only_first,
            exact.only_second,
        )
    test: Literal["bootstrap", "Student"] = "bootstrap" if n >= significance.FEW_ITEMS else "Student"
    return Result(found.value, found.low, found.high, test, found.p, seeds, by_seed, n)


def named(experiments: Sequence[Experiment], text: str) -> Experiment:
    """The experiment that a text means: "MODEL, FEATURES", or a model or checkpoint that has one line only.

    Raises UserError with the names that exist.
    """
    wanted = text.casefold().strip()
    tries = (
        [one for one in experiments if one.name.casefold() == wanted],
        [one for one in experiments if one.model.casefold() == wanted],
        [one for one in experiments if wanted in {name.casefold() for name in one.checkpoints}],
    )
    found = next((fitting for fitting in tries if fitting), [])
    if len(found) == 1:
        return found[0]
    names = "; ".join(dict.fromkeys(one.name for one in (found or experiments)))
    if found:
        raise UserError(f"'{text}' is {len(found)} lines; say which, or filter: {names}.")
    raise UserError(f"no line '{text}'. There are: {names}.")


def _what(row: Row) -> tuple[object, ...]:
    """What was measured: the images, the protocol, and what else is stated (of retrieval the foreground)."""
    return tuple(sorted(row.fingerprints.items())), row.edition, row.task_version, tuple(sorted(row.conditions.items()))


def _units(experiment: Experiment, column: Column) -> list[Rows]:
    """The measurements of each checkpoint, that with the lowest seed first."""
    found: dict[str, list[Row]] = {}
    for row in sorted(experiment.rows, key=lambda row: row.seed):
        if (row.task, row.dataset_note) == (column.task, column.note) and column.metric in row.metrics:
            found.setdefault(row.checkpoint_hash, []).append(row)
    return [tuple(unit) for unit in found.values()]


def _sides(first: Sequence[Rows], second: Sequence[Rows]) -> tuple[tuple[Rows, Rows], bool]:
    """One row of each checkpoint, and whether they are pairs.

    They are where both sides have the same pretraining seeds, each once; a test that left some seeds out would be of
    other figures than the table's. Of several measurements: those with the lowest seed that all of a pair have, or of
    sides that are no pairs, all of both.
    """
    one, other = ([unit[0].pretraining_seed for unit in side] for side in (first, second))
    if None not in one and len(set(one)) == len(one) and sorted(map(str, one)) == sorted(map(str, other)):
        partners = {unit[0].pretraining_seed: unit for unit in second}
        pairs = [_measured_alike([unit, partners[seed]]) for seed, unit in zip(one, first, strict=True)]
        return (tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)), True
    rows = _measured_alike([*first, *second])
    return (tuple(rows[: len(first)]), tuple(rows[len(first) :])), False


def _measured_alike(units: Sequence[Rows]) -> list[Row]:
    """A row of each unit: with the lowest measurement seed that all have, else with its own lowest."""
    shared = set.intersection(*({row.seed for row in unit} for unit in units))
    return [next(row for row in unit if not shared or row.seed == min(shared)) for unit in units]


def _values(row: Row, metric: str) -> np.ndarray:
    try:
        values = row.items[metric].values()
    except ValueError as error:
        raise _UnpairableError(f"the single items of {row.checkpoint} are damaged") from error
    if not np.isfinite(values).all():
        raise _UnpairableError(f"single items of {row.checkpoint} are no numbers")
    return values
