"""Plasma: a random height map by the diamond-square algorithm, the fog of ImageNet-C."""

from __future__ import annotations

import numpy as np

from loocbench.changes.corruptions.pixels import Floats


def make_plasma(u: Floats, side: int, decay: float) -> Floats:
    """A random height map [side, side] from 0 to 1 that is periodic; side: a power of two.

    The step is halved again and again; the middle of four known points becomes their mean plus a random number, whose
    range shrinks by decay^2 with each halving: a small decay gives a rough map. u: side^2 - 1 numbers in (0, 1).
    """
    heights = np.zeros((side, side))
    step, taken = side, 0
    reach = 100.0

    def fill_middles(four: Floats) -> Floats:
        nonlocal taken
        drawn = u[taken : taken + four.size].reshape(four.shape)
        taken += four.size
        # The published code multiplies the range by itself: only the squares' ratios matter, as the map is normalised.
        return four / 4 + reach * reach * (2 * drawn - 1)

    while step > 1:
        half = step // 2
        corners = heights[::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=0)
        centres = fill_middles(pairs + np.roll(pairs, -1, axis=1))
        heights[half::step, half::step] = centres
        beside = corners + np.roll(corners, -1, axis=1) + centres + np.roll(centres, 1, axis=0)
        heights[::step, half::step] = fill_middles(beside)
        below = corners + np.roll(corners, -1, axis=0) + centres + np.roll(centres, 1, axis=1)
        heights[half::step, ::step] = fill_middles(below)
        step, reach = half, reach / decay
    heights -= heights.min()
    return heights / heights.max()
