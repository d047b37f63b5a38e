"""The stated colour of an image that has no colour label: the mean CIELAB of its central half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def rgb_to_lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """sRGB in [0, 1], [..., 3], to CIELAB under D65: L in [0, 100], a and b about [-128, 127]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def central_color(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Mean CIELAB [N, 3] of the central half (by side) of square images uint8 [N, 3, S, S]."""
    quarter = images.shape[2] // 4
    center = images[:, :, quarter : images.shape[2] - quarter, quarter : images.shape[3] - quarter]
    mean: npt.NDArray[np.float64] = rgb_to_lab(center.transpose(0, 2, 3, 1).astype(np.float64) / 255).mean(axis=(1, 2))
    return mean


def agreement(nearest: npt.NDArray[np.int64], colors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How near in colour the nearest neighbour is, as a rank, for data without colour labels.

    The share of the other images whose colour is farther from the query's than its nearest neighbour's is (ties count
    half): 1 is the best possible neighbour, 0.5 a random one. nearest: int64 [N]; colors: [N, 3], CIELAB. Returns [N].
    """
    count = len(colors)
    out = np.empty(count)
    for query in range(count):
        distance = np.linalg.norm(colors - colors[query], axis=1)
        found = distance[nearest[query]]
        others = np.delete(distance, [query, nearest[query]])
        out[query] = (others > found).mean() + (others == found).mean() / 2
    return out
