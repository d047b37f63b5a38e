"""Digital corruptions against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft, ndimage

from loocbench.changes.corruptions import digital
from tests.changes.corruptions.scenes import as_bytes, scene

NO_NUMBERS = np.empty(0)


@pytest.mark.parametrize(("severity", "kept"), list(enumerate((0.4, 0.3, 0.2, 0.1, 0.05), start=1)))
def test_contrast_keeps_a_share_of_the_distance_to_the_channels_mean(severity, kept):
    image = scene(32)
    expected = np.empty(image.shape)
    for number, channel in enumerate(image / 255):
        expected[number] = kept * channel + (1 - kept) * sum(channel.reshape(-1).tolist()) / channel.size
    np.testing.assert_array_equal(digital.contrast(image, severity, NO_NUMBERS), as_bytes(expected))


def read_at(channel: np.ndarray, row: np.ndarray, column: np.ndarray, *, twice: bool) -> np.ndarray:
    """Linear between four pixels; beyond the border the image is mirrored, its outermost pixels coming twice or not."""
    size = len(channel)
    period = 2 * size if twice else 2 * size - 2

    def folded(places):
        places = places % period
        return np.where(places < size, places, period - places - twice)

    total = np.zeros(row.shape)
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    for y in (top, top + 1):
        for x in (left, left + 1):
            total += (1 - abs(row - y)) * (1 - abs(column - x)) * channel[folded(y), folded(x)]
    return total


@pytest.mark.parametrize(
    ("severity", "strength", "sigma", "farthest"),
    [
        (1, 488.0, 170.8, 24.4),
        (2, 488.0, 19.52, 48.8),
        (3, 12.2, 2.44, 4.88),
        (4, 17.08, 2.44, 4.88),
        (5, 29.28, 2.44, 4.88),
    ],
)
def test_elastic_transform_is_an_affine_map_then_displacements(severity, strength, sigma, farthest):
    image, u = scene(), np.random.default_rng(severity).random(digital.count_elastic_uniforms(224, severity))
    corners = [(112 + 74, 112 + 74), (112 + 74, 112 - 74), (112 - 74, 112 - 74)]
    equations, right_sides = np.zeros((6, 6)), np.zeros(6)
    for number, (x, y) in enumerate(corners):  # the unknowns: x' = a x + b y + c, y' = d x + e y + f
        equations[2 * number, :3] = equations[2 * number + 1, 3:] = x, y, 1
        right_sides[2 * number : 2 * number + 2] = np.array([x, y]) + farthest * (
            2 * u[2 * number : 2 * number + 2] - 1
        )
    a, b, c, d, e, f = np.linalg.solve(equations, right_sides)
    back = np.linalg.inv([[a, b, c], [d, e, f], [0, 0, 1]])
    row, column = np.mgrid[:224, :224].astype(float)
    x, y, _ = (back @ np.stack([column, row, np.ones_like(row)]).reshape(3, -1)).reshape(3, 224, 224)
    right, down = (
        strength * ndimage.gaussian_filter(2 * noise - 1, sigma, mode="reflect", truncate=3)
        for noise in u[6:].reshape(2, 224, 224)
    )
    expected = []
    for channel in image / 255:
        mapped = read_at(channel, y, x, twice=False)
        expected.append(read_at(mapped, row + down, column + right, twice=True))
    changed = digital.elastic_transform(image, severity, u)
    np.testing.assert_array_equal(changed, as_bytes(np.stack(expected)))


def test_elastic_displacements_of_one_map_grow_from_severity_3_to_5():
    rng, changes = np.random.default_rng(0), []
    for image in (scene(seed=seed) for seed in range(4)):
        u = rng.random(digital.count_elastic_uniforms(224, 3))
        u[:6] = 0.5  # the corners stay
        changes.append([np.abs(digital.elastic_transform(image, s, u) - image.astype(int)).mean() for s in (3, 4, 5)])
    third, fourth, fifth = np.mean(changes, axis=0)
    assert 1 < third < fourth < fifth


@pytest.mark.parametrize(("severity", "block"), [(2, 2), (5, 4)])
def test_pixelate_takes_the_mean_of_blocks(severity, block):
    image = scene()
    means = image.reshape(3, 224 // block, block, 224 // block, block).mean(axis=(2, 4))
    expected = means.repeat(block, axis=1).repeat(block, axis=2)
    # Pillow rounds after the columns and again after the rows
    assert np.abs(digital.pixelate(image, severity, NO_NUMBERS) - expected).max() <= 1


@pytest.mark.parametrize(("severity", "side"), list(enumerate((134, 112, 89, 67, 56), start=1)))
def test_pixelate_leaves_the_published_number_of_pixels(severity, side):
    noisy = np.random.default_rng(0).integers(0, 256, (3, 224, 224), dtype=np.uint8)
    changed = digital.pixelate(noisy, severity, NO_NUMBERS)
    assert len(np.unique(changed, axis=1)[0]) == side
    assert len(np.unique(changed, axis=2)[0, 0]) == side


LUMA_STEPS = np.array(  # Annex K of the JPEG standard, for quality 50
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


@pytest.mark.parametrize(("severity", "quality"), list(enumerate((25, 18, 15, 10, 7), start=1)))
def test_jpeg_compression_rounds_cosines_to_the_steps_of_the_published_quality(severity, quality):
    grey = scene()[:1].repeat(3, axis=0)  # luma alone
    steps = np.clip((LUMA_STEPS * (5000 // quality) + 50) // 100, 1, 255)
    expected = np.empty((224, 224))
    for y in range(0, 224, 8):
        for x in range(0, 224, 8):
            cosines = fft.dctn(grey[0, y : y + 8, x : x + 8] - 128.0, norm="ortho")
            expected[y : y + 8, x : x + 8] = fft.idctn(np.rint(cosines / steps) * steps, norm="ortho") + 128
    difference = np.abs(digital.jpeg_compression(grey, severity, NO_NUMBERS) - np.clip(expected, 0, 255))
    # libjpeg's cosines are of whole numbers: a value on the edge between two steps may fall on the other side
    assert np.median(difference) <= 0.5
    assert difference.mean() < 0.5


def test_jpeg_compression_halves_the_resolution_of_color():
    stripes = np.zeros((3, 64, 64), dtype=np.uint8)
    stripes[0, :, ::2], stripes[2, :, 1::2] = 255, 255  # red and blue by turns
    red, _, blue = digital.jpeg_compression(stripes, 1, NO_NUMBERS).astype(int)
    assert np.abs((red - blue)[:, ::2] - (red - blue)[:, 1::2]).max() < 20
