"""Colour descriptor of images without a colour label: a CIELAB histogram of the foreground.

Without masks or boxes the foreground is the central half (by side) of the crop.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65
_LOWEST, _STEP, _NODES = np.array([0, -80, -80]), np.array([25, 20, 20]), np.array([5, 9, 9])  # of L, a, b
_PIXELS = 64  # side of the subsampled crop that a histogram is computed from
ALIKE = 0.05  # share of the other images that count as having the query's colour


def rgb_to_lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert sRGB in [0, 1], shape [..., 3], to CIELAB under D65: L in [0, 100], a and b about [-128, 127]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def color_histograms(
    crops: npt.NDArray[np.uint8], masks: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float32]:
    """Return square roots of CIELAB histograms [N, 405], of unit norm: dot products are Bhattacharyya coefficients.

    crops: uint8 [N, 3, S, S]; masks: bool [N, S, S], default the central half, which also replaces an empty mask.
    Nodes: L 0, 25 .. 100; a and b -80, -60 .. 80; a pixel is shared among the eight nodes around it (trilinear
    weights), so that a small shift of colour is a small change. Large crops are subsampled: every n-th pixel.
    """
    side = crops.shape[2]
    step = max(1, side // _PIXELS)
    central = np.zeros((side, side), dtype=bool)
    central[side // 4 : side - side // 4, side // 4 : side - side // 4] = True
    if masks is None:
        masks = np.broadcast_to(central, (len(crops), side, side))
    found = np.empty((len(crops), int(_NODES.prod())), dtype=np.float32)
    for row, (crop, mask) in enumerate(zip(crops[:, :, ::step, ::step], masks[:, ::step, ::step], strict=True)):
        pixels = crop[:, mask if mask.any() else central[::step, ::step]].T
        found[row] = np.sqrt(_histogram(rgb_to_lab(pixels / 255)))
    return found


def _histogram(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the trilinear histogram [405], which sums to 1, of Lab pixels [M, 3]."""
    place = np.clip((lab - _LOWEST) / _STEP, 0, _NODES - 1)
    base = np.minimum(place.astype(int), _NODES - 2)
    part = place - base
    total = np.zeros(int(_NODES.prod()))
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, part, 1 - part).prod(axis=1)
        node = np.ravel_multi_index(tuple((base + corner).T), tuple(_NODES))
        total += np.bincount(node, weight, len(total))
    return total / len(lab)


def find_alike(descriptors: Tensor, queries: Tensor) -> Tensor:
    """Return which images have the query's colour: bool [Q, N].

    These are the 5 % of the other images (at least one) whose colour is nearest; ties go to the lower index.
    descriptors: float [N, B]; queries: int64 [Q].
    """
    similarity = _similarity(descriptors, queries)
    count = max(1, round(ALIKE * (len(descriptors) - 1)))
    order = similarity.argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(similarity, dtype=torch.bool).scatter_(1, order, True)


def color_agreement(descriptors: Tensor, queries: Tensor, nearest: Tensor) -> Tensor:
    """Return the rank of the nearest neighbour's colour among all other images, as a share: float64 [Q].

    This is the share of the other images whose colour is farther from the query's than the neighbour's colour is (ties
    count half): 1 is the best possible neighbour, 0.5 a random one. queries, nearest: int64 [Q].
    """
    similarity = _similarity(descriptors, queries)
    found = similarity.gather(1, nearest[:, None])
    others = len(descriptors) - 2
    # The query (-inf) was counted as farther and the neighbour as a tie: both are subtracted.
    farther = (similarity < found).sum(dim=1).double() - 1
    ties = (similarity == found).sum(dim=1).double() - 1
    return (farther + ties / 2) / max(others, 1)


def _similarity(descriptors: Tensor, queries: Tensor) -> Tensor:
    """Return the similarity of queries [Q] to all images: [Q, N], -inf of a query to itself."""
    similarity = descriptors[queries] @ descriptors.T
    similarity[torch.arange(len(queries), device=queries.device), queries] = -torch.inf
    return similarity
