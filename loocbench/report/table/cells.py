"""A figure of a comparison table, and a line of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cell:
    """A figure. low, high: its 95 % interval, None for one that was published without. sd: over pretraining seeds,
    where there are several. spread: the ± beside it. seeds: of pretraining; fewer: than its line has elsewhere. n: test
    items.

    rank: whether it is the best of its column or as good as that, or second. marker: ↑ or ↓ where it is significantly
    better or worse than the line that was asked about. difference: of the measured figure to this published one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    spread: float | None = None
    seeds: int = 1
    n: int | None = None
    rank: Literal["", "best", "second"] = ""
    marker: str = ""
    difference: float | None = None
    fewer: bool = False

    @property
    def half(self) -> float:
        """Half the 95 % interval, 0 where none is known."""
        return 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2


Cells = tuple[Cell | None, ...]


@dataclass(frozen=True)
class Line:
    """One experiment's cells, in the order of the table's columns; None where there is no figure.

    A published line has no features, and names its source as ``trained_on``; one of the scale has neither.
    """

    model: str
    features: str
    trained_on: str
    cells: Cells
    family: str = ""
