"""Images on which two experiments disagree: one right, the other wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench.report.table.comparisons import Comparison
from loocbench.types import Dataset, Row


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
