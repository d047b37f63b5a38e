"""The grid of a ViT's patches, from its learned positions: their number alone does not tell 16 x 16 from 32 x 8."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from loocbench.errors import UserError

_CLEAR = 0.1  # difference of cosine similarities from which positions tell their grid
_MARGIN = 0.05  # by which another grid must fit better than the square one to be told from it
_DEVIATIONS = 5  # of chance, for positions without any order


def read_square_grid(positions: Tensor, registers: int = 0) -> tuple[int, str]:
    """Return the patches per side of a square grid, and a note if the positions do not prove that it is square.

    positions: [tokens, D] or [1, tokens, D], of the patches alone or with those before them: a class token, a
    distillation token, ``registers``. Neighbours on the true grid have similar positions, the ends of its rows have
    not. Raises UserError for a number that is not a square, and for
    positions that are clearly those of another grid.
    """
    every = positions.reshape(-1, positions.shape[-1]) if positions.ndim in (2, 3) else positions.new_zeros(0, 1)
    count = len(every)
    before = dict.fromkeys((0, 1, 2, registers, registers + 1))
    sides = [math.isqrt(count - prefix) for prefix in before if count > prefix and _is_square(count - prefix)]
    if not sides:
        raise UserError(
            f"{count} positions are not those of a square grid of patches, and loocbench's images are square; build "
            "the network in a function of your own, and name that with --arch package.module:function."
        )
    side = sides[0]
    patches = every[count - side * side :]
    widths = [width for width in range(2, side * side // 2 + 1) if side * side % width == 0]
    if patches.is_meta or len(widths) < 2:
        return side, ""
    fits = {width: _measure_fit(patches, width) for width in widths}
    best = max(fits, key=lambda width: fits[width][0])
    fit, chance = fits[best]
    clear = fit > max(_CLEAR, _DEVIATIONS * chance)
    if clear and fit > fits[side][0] + _MARGIN:
        raise UserError(
            f"the positions are those of a grid of {side * side // best} x {best} patches, not of {side} x {side}, and "
            "loocbench's images are square; build the network in a function of your own, and name that with --arch "
            "package.module:function."
        )
    if clear and best == side:
        return side, ""
    return side, f"a square grid of {side} × {side} patches, which the positions do not prove"


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number


def _measure_fit(patches: Tensor, width: int) -> tuple[float, float]:
    """Return how well patches [N, D] fit rows of ``width``, and the standard deviation of that by chance.

    The fit is the mean cosine similarity of neighbours in rows and columns, less that of a row's end and the next row's
    start.
    """
    centred = patches.double() - patches.double().mean(dim=0)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)
    following, below = (unit[:-1] * unit[1:]).sum(dim=1), (unit[:-width] * unit[width:]).sum(dim=1)
    ends = torch.arange(1, len(unit)) % width == 0
    neighbours = torch.cat([following[~ends], below])
    chance = math.sqrt((1 / int(ends.sum()) + 1 / len(neighbours)) / patches.shape[1])
    return float(neighbours.mean() - following[ends].mean()), chance
