"""Blur against its definition: loops, shifts and scipy's own zoom.

``loocbench.changes.corruptions.blur``, ``loocbench.changes.corruptions.motion`` and
``loocbench.changes.corruptions.zooming``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from loocbench.changes.corruptions import blur
from loocbench.changes.corruptions.motion import blur_along_line
from loocbench.changes.corruptions.zooming import make_zoom_matrix
from tests.changes.corruptions.scenes import as_bytes, blurred_along, scene, zoomed

NO_NUMBERS = np.empty(0)


def lens(radius: int, sigma: float) -> np.ndarray:
    """The published kernel: a disc of whole pixels, then a small Gaussian whose border mirrors."""
    reach, taps = (8, 1) if radius <= 8 else (radius, 2)
    disc = np.zeros((2 * reach + 1, 2 * reach + 1))
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            disc[y + reach, x + reach] = math.hypot(y, x) <= radius
    weights = {k: math.exp(-(k**2) / (2 * sigma**2)) for k in range(-taps, taps + 1)}
    padded, smooth = np.pad(disc / disc.sum(), taps, mode="reflect"), np.zeros_like(disc)
    for y, down in weights.items():
        for x, right in weights.items():
            part = padded[taps + y : taps + y + len(disc), taps + x : taps + x + len(disc)]
            smooth += down * right * part / sum(weights.values()) ** 2
    return smooth


@pytest.mark.parametrize(
    ("severity", "radius", "sigma"), [(1, 3, 0.1), (2, 4, 0.5), (3, 6, 0.5), (4, 8, 0.5), (5, 10, 0.5)]
)
def test_defocus_blur_is_the_mean_over_a_disc(severity, radius, sigma):
    image = scene()
    expected = [ndimage.correlate(channel / 255, lens(radius, sigma), mode="mirror") for channel in image]
    np.testing.assert_array_equal(blur.defocus_blur(image, severity, NO_NUMBERS), as_bytes(np.stack(expected)))


@pytest.mark.parametrize("size", [64, 112, 448])
@pytest.mark.parametrize("radius", [3, 8, 10])
def test_a_scaled_disc_weighs_a_pixel_by_what_it_covers(size, radius):
    kernel = blur.make_disc_kernel(radius, 0.1, size / 224)
    points = np.arange(2_000_000)  # a sunflower: points that fill a disc evenly
    away, turned = radius * size / 224 * np.sqrt((points + 0.5) / len(points)), points * math.pi * (3 - 5**0.5)
    row, column = (np.rint(away * wave(turned)).astype(int) + len(kernel) // 2 for wave in (np.sin, np.cos))
    covered = np.bincount(row * len(kernel) + column, minlength=kernel.size).reshape(kernel.shape) / len(points)
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, covered, atol=0.02 * covered.max())


def smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian of four sigmas over [H, W, 3], column by column, then row by row; the border goes on."""
    reach = int(4 * sigma + 0.5)
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-reach, reach + 1)]
    for _ in range(2):
        padded = np.pad(values, ((reach, reach), (0, 0), (0, 0)), mode="edge")
        values = sum(w * padded[k : k + len(values)] for k, w in enumerate(weights)) / sum(weights)
        values = values.transpose(1, 0, 2)
    return values


def swapped_about(pixels: np.ndarray, right_down: np.ndarray, farthest: int) -> np.ndarray:
    """The published loop over [S, S, 3], with a swap as numpy carries it out."""
    pixels, moves = pixels.copy(), iter(right_down.reshape(-1, 2).tolist())
    for y in range(len(pixels) - farthest, farthest, -1):
        for x in range(len(pixels) - farthest, farthest, -1):
            right, down = next(moves)
            pixels[y, x], pixels[y + down, x + right] = pixels[y + down, x + right], pixels[y, x]
    return pixels


@settings(max_examples=40, deadline=None)
@given(size=st.integers(10, 30), farthest=st.integers(1, 4), seed=st.integers(0, 1000), down=st.booleans())
def test_one_pass_of_glass_blur_is_the_published_loop(size, farthest, seed, down):
    moves = np.random.default_rng(seed).integers(-farthest, farthest, (size - 2 * farthest, size - 2 * farthest, 2))
    if down:  # the longest chains
        moves[..., 1] = farthest - 1
    pixels = np.arange(size * size * 3).reshape(size, size, 3)
    source = blur.trace_moves(moves[..., 1], moves[..., 0], size)
    np.testing.assert_array_equal(pixels.reshape(-1, 3)[source], swapped_about(pixels, moves, farthest).reshape(-1, 3))


@pytest.mark.parametrize(
    ("severity", "sigma", "farthest", "passes"),
    [(1, 0.7, 1, 2), (2, 0.9, 2, 1), (3, 1.0, 2, 3), (4, 1.1, 3, 2), (5, 1.5, 4, 2)],
)
def test_glass_blur_blurs_moves_and_blurs(severity, sigma, farthest, passes):
    image, inner = scene(), 224 - 2 * farthest
    u = np.random.default_rng(severity).random(blur.count_glass_uniforms(224, severity))
    assert u.size == passes * inner * inner * 2
    pixels = as_bytes(smoothed(image.transpose(1, 2, 0) / 255, sigma))
    for numbers in u.reshape(passes, inner, inner, 2):
        pixels = swapped_about(pixels, np.floor(numbers * 2 * farthest).astype(int) - farthest, farthest)
    expected = as_bytes(smoothed(pixels / 255, sigma)).transpose(2, 0, 1)
    np.testing.assert_array_equal(blur.glass_blur(image, severity, u), expected)


@pytest.mark.parametrize(
    ("severity", "radius", "sigma"), [(1, 10, 3), (2, 15, 5), (3, 15, 8), (4, 15, 12), (5, 20, 15)]
)
@pytest.mark.parametrize("u", [0.001, 0.4, 0.95])
def test_motion_blur_blurs_along_a_line_near_the_horizontal(severity, radius, sigma, u):
    image = scene()
    expected = blurred_along(image, radius, sigma, -45 + 90 * u)
    changed = blur.motion_blur(image, severity, np.array([u]))
    assert np.abs(changed.astype(int) - expected).max() <= 1  # a half may be rounded either way
    assert (changed != expected).mean() < 1e-4


@pytest.mark.parametrize(("angle", "row", "column"), [(0, 0, -1), (90, -1, 0), (-90, 1, 0), (45, -1, -1)])
def test_what_lies_ahead_of_a_pixel_is_smeared_over_it(angle, row, column):
    image = np.zeros((41, 41), dtype=np.uint8)
    image[20, 20] = 255
    lit = np.argwhere(blur_along_line(image, 3, 4.0, angle)) - 20
    assert len(np.unique(np.abs(lit).max(axis=1))) == len(lit) >= 5  # 7 steps, some of which share a pixel aslant
    assert {tuple(np.sign(place)) for place in lit} == {(0, 0), (row, column)}


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.07, 1.15, 1.31, 2.0, 2.5, 3.0, 4.0, 4.5])
@pytest.mark.parametrize("size", [32, 97, 224])
def test_two_matrices_zoom_as_scipy_does(size, factor):
    image = np.random.default_rng(0).random((size, size))
    zoom = make_zoom_matrix(size, factor)
    np.testing.assert_allclose(zoom @ image @ zoom.T, zoomed(image, factor), atol=1e-9)


@pytest.mark.parametrize(
    ("severity", "factors"),
    [
        (1, [1 + 0.01 * k for k in range(12)]),  # to 1.11: numpy's arange goes a step too far here, as published
        (2, [1 + 0.01 * k for k in range(16)]),
        (3, [1 + 0.02 * k for k in range(11)]),
        (4, [1 + 0.02 * k for k in range(13)]),
        (5, [1 + 0.03 * k for k in range(11)]),
    ],
)
def test_zoom_blur_is_the_mean_of_zooms(severity, factors):
    image = scene()
    total = image / 255 + sum(np.stack([zoomed(channel / 255, factor) for channel in image]) for factor in factors)
    expected = as_bytes(total / (len(factors) + 1))
    np.testing.assert_array_equal(blur.zoom_blur(image, severity, NO_NUMBERS), expected)
