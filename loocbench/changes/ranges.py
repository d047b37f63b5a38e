"""The changes by name: in which unit their strength is, and over which range. Numbers alone; see ``operations``."""

from __future__ import annotations

from dataclasses import dataclass

from loocbench.changes.names import MADE
from loocbench.errors import unknown

NONE, CORRUPTION = "none", "corruption:"


@dataclass(frozen=True)
class Range:
    """Of one change. nothing: the strength that changes nothing. strengths: the points of a curve.

    low, high: what a drawn strength is uniform in; of a change with ``classes`` it is one of these instead.
    """

    unit: str
    nothing: float
    strengths: tuple[float, ...]
    low: float
    high: float
    classes: tuple[float, ...] = ()


AUGMENTATIONS: dict[str, Range] = {
    "hue": Range("degrees", 0, (30, 60, 90, 120, 180), -90, 90),
    "saturation": Range("factor", 1, (0, 0.5, 1.5, 2), 0, 2),
    "brightness": Range("factor", 1, (0.5, 0.75, 1.25, 1.5), 0.5, 1.5),
    "contrast": Range("factor", 1, (0.5, 0.75, 1.25, 1.5), 0.5, 1.5),
    "rotation": Range("degrees", 0, (90, 180, 270), 0, 270, classes=(0, 90, 180, 270)),
    "flip": Range("mirrored", 0, (1,), 0, 1, classes=(0, 1)),
    "zoom": Range("share of the side that is kept", 1, (0.8, 0.6, 0.4), 0.4, 1),
    "blur": Range("sigma in pixels of 224", 0, (1, 2, 4), 0, 4),
    "texture": Range("share of a random convolution", 0, (0.25, 0.5, 0.75), 0, 1),
}
RANGES: dict[str, Range] = AUGMENTATIONS | {
    f"{CORRUPTION}{name}": Range("severity", 0, (1, 2, 3, 4, 5), 0, 5, classes=(0, 1, 2, 3, 4, 5)) for name in MADE
}


def range_of(name: str) -> Range:
    """The range of a change. Raises UserError with the names that exist."""
    if name not in RANGES:
        raise unknown("change", name, RANGES)
    return RANGES[name]
