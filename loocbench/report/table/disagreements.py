"""Images on which two experiments disagree: one right, the other wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench.report.table.comparisons import Comparison
from loocbench.types import PREDICTED, Dataset, Row, Split


@dataclass(frozen=True)
class Disagreement:
    """Test images that only one of two experiments got right.

    first, second: indices in the test split, int64. dataset: None if it cannot be opened, and then ``reason`` says why.
    """

    comparison: Comparison
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    dataset: Dataset | None
    reason: str = ""

    def image_name(self, index: int) -> str:
        """The image's name, or its number in the test split if the data set cannot be opened."""
        return self.dataset.splits["test"].items[index] if self.dataset else f"#{index}"


@dataclass(frozen=True)
class Answers:
    """What two experiments took each of N test images for.

    names: of the classes. wanted: int64 [N], the right class. right: bool [N] of each side. predicted: int64 [N] of
    each side, None where the row does not hold it.
    """

    names: Sequence[str]
    wanted: npt.NDArray[np.int64]
    right: tuple[npt.NDArray[np.bool_], ...]
    predicted: tuple[npt.NDArray[np.int64] | None, ...]


def read_answers(disagreement: Disagreement) -> Answers:
    """The answers behind a disagreement whose data set is open."""
    if disagreement.dataset is None:
        raise ValueError("the data set of a disagreement is not open")
    rows = [row for side in disagreement.comparison.rows for row in side]
    split = disagreement.dataset.splits["test"]
    factor = _find_factor(rows[0], split)
    names, wanted = split.class_names[factor], split.labels[factor]
    metric = disagreement.comparison.column.metric
    right = tuple(row.items[metric].values().astype(bool) for row in rows)
    return Answers(names, wanted, right, tuple(_read_predictions(row, len(wanted), len(names)) for row in rows))


def _find_factor(row: Row, split: Split) -> str:
    """The label that a row predicted; the data set's first for old rows, which do not say."""
    stated = row.measured_with.labels if row.measured_with else ()
    return next((label for label in stated if label in split.labels), next(iter(split.labels)))


def _read_predictions(row: Row, images: int, classes: int) -> npt.NDArray[np.int64] | None:
    """The classes that a row holds as predicted; None if it holds none, or none that can be."""
    if PREDICTED not in row.items:
        return None
    try:
        found = row.items[PREDICTED].values().astype(np.int64)
    except ValueError:
        return None
    return found if len(found) == images and ((found >= 0) & (found < classes)).all() else None


def find_disagreements(
    comparisons: Sequence[Comparison], open_dataset: Callable[[Row], Dataset | str]
) -> list[Disagreement]:
    """The disagreements of each comparison of single answers (McNemar) on the whole test split.

    open_dataset: the data set on which a row was measured, or why it cannot be opened.
    """
    found = []
    for comparison in comparisons:
        if comparison.result is None or comparison.result.test != "McNemar":
            continue
        rows = [row for side in comparison.rows for row in side]  # McNemar's test has one row per side
        if any(row.draws for row in rows):
            continue
        right = [row.items[comparison.column.metric].values().astype(bool) for row in rows]
        opened = open_dataset(rows[0])
        dataset, reason = (None, opened) if isinstance(opened, str) else (opened, "")
        only_first, only_second = np.flatnonzero(right[0] & ~right[1]), np.flatnonzero(right[1] & ~right[0])
        found.append(Disagreement(comparison, only_first, only_second, dataset, reason))
    return found
