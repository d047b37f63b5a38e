"""The paired test of two sets of rows on one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from loocbench.editions import unify_editions
from loocbench.report.table import closed_form, significance
from loocbench.report.table.cells import round_figure
from loocbench.types import Row

Rows = tuple[Row, ...]
DIFFERENT_DATA = "measured on different images"


@dataclass(frozen=True)
class PairedResult:
    """A paired test of two experiments on one metric.

    difference: first minus second, with its 95 % interval (low, high). test: the test that gave ``p``. only_first,
    only_second: number of items that only one of them answered correctly; None where items are not right or wrong.
    seeds: number of checkpoints of each side; by_seed: whether they were paired by pretraining seed. n: items.
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


class SideItems(NamedTuple):
    """Items of two sides.

    values: float64 [N] per checkpoint of each side. answers: bool [N] of each side, where both have one checkpoint and
    right or wrong answers. same_items: all checkpoints were measured on the same items.
    """

    values: tuple[list[significance.Array], list[significance.Array]]
    answers: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None
    same_items: bool


class UnpairableError(Exception):
    """Rows that cannot be tested in pairs; the message says why."""


def run_paired_test(first: Rows, second: Rows, metric: str, *, by_seed: bool) -> PairedResult:
    """Test two sides, one row per checkpoint, paired by item and, with ``by_seed``, by pretraining seed.

    One row per side with right or wrong answers: exact McNemar test. Otherwise the bootstrap, or below
    ``significance.FEW_ITEMS`` items Student's t-test. Raises UnpairableError.
    """
    (floats, single_answers, same_items) = read_items(first, second, metric, by_seed=by_seed)
    found = significance.bootstrap_difference(*floats, by_seed=by_seed, same_items=same_items)
    difference, low, high = (round_figure(figure) for figure in (found.value, found.low, found.high))
    seeds, n = (len(first), len(second)), len(floats[0][0])
    if single_answers is not None:
        exact = significance.mcnemar_test(*single_answers)
        return PairedResult(
            difference,
            low,
            high,
            "McNemar",
            round_p_value(exact.p),
            seeds,
            by_seed,
            n,
            exact.only_first,
            exact.only_second,
        )
    test: Literal["bootstrap", "Student"] = "bootstrap" if n >= significance.FEW_ITEMS else "Student"
    return PairedResult(difference, low, high, test, round_p_value(found.p), seeds, by_seed, n)


def paired_p_value(first: Rows, second: Rows, metric: str, *, by_seed: bool) -> float:
    """The p-value alone, as :func:`run_paired_test` gives it but without resampling, fast enough for whole tables.

    Raises UnpairableError.
    """
    floats, single_answers, same_items = read_items(first, second, metric, by_seed=by_seed)
    if single_answers is not None:
        return significance.mcnemar_test(*single_answers).p
    return closed_form.difference_p_value(*floats, by_seed=by_seed, same_items=same_items)


def read_items(first: Rows, second: Rows, metric: str, *, by_seed: bool) -> SideItems:
    """The items of both sides, checked to be comparable. Raises UnpairableError."""
    rows = [*first, *second]
    if any(metric not in row.items for row in rows):
        raise UnpairableError("no single items are stored; measure again with --overwrite")
    if not same_data(rows):
        raise UnpairableError(DIFFERENT_DATA)
    same_draws = len({row.draws for row in rows}) == 1
    if not same_draws and not (by_seed and all(a.draws == b.draws for a, b in zip(first, second, strict=True))):
        raise UnpairableError("different images were drawn; measure with the same --seed")
    values = [[_item_values(row, metric) for row in side] for side in (first, second)]
    if len({len(part) for side in values for part in side}) > 1 and same_draws:
        raise UnpairableError("different numbers of items are stored")
    if min(len(part) for side in values for part in side) < 2:
        raise UnpairableError("a single item is stored")
    floats = ([part.astype(float) for part in values[0]], [part.astype(float) for part in values[1]])
    (one, *more_first), (other, *more_second) = values
    single = not more_first and not more_second and one.dtype == bool and other.dtype == bool
    return SideItems(floats, (one, other) if single else None, same_draws)


def same_data(rows: Sequence[Row]) -> bool:
    """Whether all rows were measured on the same images, by the same protocol and under the same stated conditions."""
    canonical = unify_editions(row.edition for row in rows)
    return len({_measured_data(row, canonical[row.edition]) for row in rows}) == 1


def round_p_value(p: float) -> float:
    """A p-value at 6 significant digits, which no processor's rounding reaches; it may be far below 12 decimals."""
    return float(f"{p:.6g}")


def _measured_data(row: Row, edition: str) -> tuple[object, ...]:
    """The images, the protocol and the stated conditions (for retrieval, the foreground) of a measurement."""
    return tuple(sorted(row.fingerprints.items())), edition, row.task_version, tuple(sorted(row.conditions.items()))


def _item_values(row: Row, metric: str) -> np.ndarray:
    try:
        values = row.items[metric].values()
    except ValueError as error:
        raise UnpairableError(f"the single items of {row.checkpoint} are damaged") from error
    if not np.isfinite(values).all():
        raise UnpairableError(f"single items of {row.checkpoint} are not finite numbers")
    return values
