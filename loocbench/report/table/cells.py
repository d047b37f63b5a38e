"""A cell and a line of the comparison table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIGNIFICANCE_LEVEL = 0.05
NEAR_BEST = "≈"  # beside a figure that a test cannot tell from the best one of its column
DECIMALS = 12  # of fractions of 1: far below any interval, far above what processors and libraries round differently


def round_figure(value: float) -> float:
    """Return a figure that came out of a quantile, a root or a matrix product at 12 decimals, never a negative zero.

    The last bits of these depend on the processor and on the libraries' versions; the figure must not. Stored figures,
    and means over seeds, which are summed in order, are the same everywhere as they are.
    """
    return round(value, DECIMALS) + 0.0


@dataclass(frozen=True)
class Cell:
    """A figure of the table.

    low, high: its 95 % interval; None if it was published without one. sd: standard deviation over pretraining seeds,
    if there are several. spread: the ± shown beside it. seeds: number of pretraining seeds: of several, the interval is
    over them, of one, over test items. fewer: whether its line has more elsewhere. n: test items.

    rank: "best" for the best figure of its column, else "". p_best: the p-value of the test of its difference from the
    best figure, corrected within the column; None if there is no such test. marker: ↑ or ↓ if it is significantly
    better or worse than the line that all others are tested against. difference: measured figure minus this published
    one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    spread: float | None = None
    seeds: int = 1
    n: int | None = None
    rank: Literal["", "best"] = ""
    p_best: float | None = None
    marker: str = ""
    difference: float | None = None
    fewer: bool = False

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval; 0 if there is none."""
        return 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def near_best(self) -> bool:
        """Whether a test finds no difference from the column's best figure; that does not say that it is as good."""
        return self.p_best is not None and self.p_best >= SIGNIFICANCE_LEVEL

    @property
    def interval_over(self) -> Literal["seeds", "items"]:
        """What the 95 % interval is over."""
        return "seeds" if self.seeds > 1 else "items"


Cells = tuple[Cell | None, ...]


@dataclass(frozen=True)
class Line:
    """The cells of one experiment, in the order of the table's columns; None where there is no figure.

    A published line has no features, and its source as ``trained_on``; a line of the scale has neither. family: lines
    of one family stand together. seeds: number of pretraining seeds of its figures, but for those that say
    otherwise; 0 where that means nothing. apart: how it differs from other lines of the same model and features; ""
    where there are none.
    """

    model: str
    features: str
    trained_on: str
    cells: Cells
    family: str = ""
    seeds: int = 0
    apart: str = ""

    @property
    def title(self) -> str:
        """The model, and what sets this line apart from others of the same model and features."""
        return f"{self.model} [{self.apart}]" if self.apart else self.model
