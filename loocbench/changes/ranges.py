"""The unit and range of each change's strength. What the changes do is in ``operations``."""

from __future__ import annotations

from dataclasses import dataclass

from loocbench.changes.names import AVAILABLE
from loocbench.errors import unknown

NONE, CORRUPTION = "none", "corruption:"


@dataclass(frozen=True)
class StrengthRange:
    """The strengths of one change.

    nothing: the strength that changes nothing. strengths: the points of a curve. low, high: a drawn strength is uniform
    between them, or one of ``classes`` where there are some.
    """

    unit: str
    nothing: float
    strengths: tuple[float, ...]
    low: float
    high: float
    classes: tuple[float, ...] = ()


AUGMENTATIONS: dict[str, StrengthRange] = {
    "hue": StrengthRange("degrees", 0, (30, 60, 90, 120, 180), -90, 90),
    "saturation": StrengthRange("factor", 1, (0, 0.5, 1.5, 2), 0, 2),
    "brightness": StrengthRange("factor", 1, (0.5, 0.75, 1.25, 1.5), 0.5, 1.5),
    "contrast": StrengthRange("factor", 1, (0.5, 0.75, 1.25, 1.5), 0.5, 1.5),
    "rotation": StrengthRange("degrees", 0, (90, 180, 270), 0, 270, classes=(0, 90, 180, 270)),
    "flip": StrengthRange("mirrored", 0, (1,), 0, 1, classes=(0, 1)),
    "zoom": StrengthRange("share of the side that is kept", 1, (0.8, 0.6, 0.4), 0.4, 1),
    "blur": StrengthRange("sigma in pixels of 224", 0, (1, 2, 4), 0, 4),
    "texture": StrengthRange("share of a random convolution", 0, (0.25, 0.5, 0.75), 0, 1),
}
RANGES: dict[str, StrengthRange] = AUGMENTATIONS | {
    f"{CORRUPTION}{name}": StrengthRange("severity", 0, (1, 2, 3, 4, 5), 0, 5, classes=(0, 1, 2, 3, 4, 5))
    for name in AVAILABLE
}


def get_range(name: str) -> StrengthRange:
    """The strengths of the change ``name``. Raises UserError with the names that exist."""
    if name not in RANGES:
        raise unknown("change", name, RANGES)
    return RANGES[name]
