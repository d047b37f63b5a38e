"""The grid of a ViT's patches, from its learned positions: their number alone does not tell 16 x 16 from 32 x 8."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from loocbench.errors import UserError

_CLEAR = 0.1  # difference of cosine similarities from which positions tell their grid
_MARGIN = 0.05  # by which another grid must fit better than the square one to be told from it
_DEVIATIONS = 5  # of chance, for positions without any order


def read_grid(positions: Tensor, registers: int = 0, stated: tuple[int, int] | None = None) -> tuple[int, int, str]:
    """Return rows and columns of a grid of patches, and a note on what the positions do not prove or are used for.

    positions: [tokens, D] or [1, tokens, D], of the patches alone or with those before them: a class token, a
    distillation token, ``registers``. stated: rows and columns, where a configuration or the user says them. Neighbours
    on the true grid have similar positions, the ends of its rows have not. Raises UserError for a number that is not a
    square where the positions do not tell the grid, and for a stated grid that is not theirs.
    """
    every = positions.reshape(-1, positions.shape[-1]) if positions.ndim in (2, 3) else positions.new_zeros(0, 1)
    count = len(every)
    before = tuple(dict.fromkeys((0, 1, 2, registers, registers + 1)))
    if stated:
        if count - stated[0] * stated[1] not in before:
            raise UserError(
                f"a grid of {stated[0]} x {stated[1]} patches is stated, and the file has {count} positions; correct "
                f"the line {_write_line(*stated)} of the key map, or the image_size of config.json."
            )
        return (*stated, _describe_use(*stated))
    sides = [math.isqrt(count - prefix) for prefix in before if count > prefix and _is_square(count - prefix)]
    if not sides:
        return _find_oblong(every, before)
    side = sides[0]
    best, clear, fits = _find_best(every[count - side * side :])
    if clear and fits[best] > fits[side] + _MARGIN:
        return side * side // best, best, _describe_use(side * side // best, best)
    if best == 0 or (clear and best == side):
        return side, side, ""
    return side, side, f"a square grid of {side} × {side} patches, which the positions do not prove"


def read_square_grid(positions: Tensor, registers: int = 0) -> tuple[int, str]:
    """Return the patches per side, and a note if the positions do not prove that their grid is square.

    For networks that are built for square images alone; the arguments are :func:`read_grid`'s. Raises UserError for
    positions of another grid, or of a number that is not a square.
    """
    rows, columns, note = read_grid(positions, registers)
    if rows != columns:
        raise UserError(
            f"the positions are those of a grid of {rows} x {columns} patches, and this network is for square images; "
            "build it in a function of your own, and name that with --arch package.module:function."
        )
    return rows, note


def _find_oblong(every: Tensor, before: tuple[int, ...]) -> tuple[int, int, str]:
    """Return the grid of positions [tokens, D] whose number is not a square. Raises UserError if they tell none."""
    found: dict[float, tuple[int, int]] = {}
    for prefix in before:
        patches = every[prefix:]
        best, clear, fits = _find_best(patches)
        if best and clear:
            found[fits[best]] = (len(patches) // best, best)
    if not found:
        raise UserError(
            f"{len(every)} positions are not those of a square grid of patches, and do not tell another; say it with "
            "--map, by the line grid = [ROWS, COLUMNS]."
        )
    rows, columns = found[max(found)]
    return rows, columns, _describe_use(rows, columns)


def _find_best(patches: Tensor) -> tuple[int, bool, dict[int, float]]:
    """Return the width of rows that fits patches [N, D] best, whether it does clearly, and how well each width fits.

    The width is 0 where nothing can be compared.
    """
    count = len(patches)
    widths = [width for width in range(2, count // 2 + 1) if count % width == 0]
    if patches.is_meta or len(widths) < 2:
        return 0, False, {}
    fits = {width: _measure_fit(patches, width) for width in widths}
    best = max(fits, key=lambda width: fits[width][0])
    fit, chance = fits[best]
    return best, fit > max(_CLEAR, _DEVIATIONS * chance), {width: value for width, (value, _) in fits.items()}


def _describe_use(rows: int, columns: int) -> str:
    if rows == columns:
        return ""
    return f"positions of a grid of {rows} × {columns} patches, resampled to those of square images at every pass"


def _write_line(rows: int, columns: int) -> str:
    return f"grid = [{rows}, {columns}]"


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
