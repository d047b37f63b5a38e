"""Weather against its definition.

``loocbench.changes.corruptions.weather`` and ``loocbench.changes.corruptions.plasma``.
"""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from scipy import stats

from loocbench.changes.corruptions import weather
from loocbench.changes.corruptions.plasma import make_plasma
from tests.changes.corruptions.scenes import as_bytes, blurred_along, scene, zoomed


def diamonds_and_squares(u: np.ndarray, side: int, decay: float) -> np.ndarray:
    """The height map, point by point: known corners, then centres, then the middles of the edges."""
    heights, numbers, step, reach = np.zeros((side, side)), iter(u.tolist()), side, 100.0

    def at(y, x):
        return heights[y % side, x % side]

    def middle(*points):
        return sum(at(*point) for point in points) / 4 + reach * (-reach + 2 * reach * next(numbers))

    while step >= 2:
        half = step // 2
        for y in range(half, side, step):
            for x in range(half, side, step):
                heights[y, x] = middle(*[(y + a, x + b) for a in (-half, half) for b in (-half, half)])
        for first_y, first_x in ((0, half), (half, 0)):
            for y in range(first_y, side, step):
                for x in range(first_x, side, step):
                    heights[y, x] = middle((y - half, x), (y + half, x), (y, x - half), (y, x + half))
        step, reach = half, reach / decay
    assert next(numbers, None) is None, "every number is used, once"
    return (heights - heights.min()) / (heights.max() - heights.min())


@pytest.mark.parametrize("side", [2, 4, 32, 256])
@pytest.mark.parametrize("decay", [1.4, 2.0])
def test_plasma_is_the_diamond_square_algorithm(side, decay):
    u = np.random.default_rng(side).random(side * side - 1)
    np.testing.assert_allclose(make_plasma(u, side, decay), diamonds_and_squares(u, side, decay), atol=1e-12)


@pytest.mark.parametrize(
    ("severity", "thickness", "decay"), [(1, 1.5, 2), (2, 2, 2), (3, 2.5, 1.7), (4, 2.5, 1.5), (5, 3, 1.4)]
)
def test_fog_adds_plasma_and_keeps_the_range(severity, thickness, decay):
    image, u = scene() // 2, np.random.default_rng(severity).random(weather.FOG_UNIFORMS)
    brightest = image.max() / 255
    foggy = image / 255 + thickness * diamonds_and_squares(u, 256, decay)[:224, :224]
    expected = as_bytes(foggy * brightest / (brightest + thickness))
    np.testing.assert_array_equal(weather.fog(image, severity, u), expected)
    assert expected.max() <= image.max()


@pytest.mark.parametrize(
    ("severity", "mean", "deviation", "factor", "threshold", "radius", "sigma", "share"),
    [
        (1, 0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (2, 0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (3, 0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (4, 0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (5, 0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ],
)
def test_snow_whitens_and_adds_falling_flakes(severity, mean, deviation, factor, threshold, radius, sigma, share):
    image, u = scene(), np.random.default_rng(severity).random(weather.SNOW_UNIFORMS)
    flakes = zoomed(stats.norm(mean, deviation).ppf(u[:-1]).reshape(224, 224), factor)
    flakes[flakes < threshold] = 0
    fallen = blurred_along(as_bytes(flakes), radius, sigma, -135 + 90 * u[-1]) / 255
    red, green, blue = x = image / 255
    whitened = np.maximum(x, 1.5 * (0.299 * red + 0.587 * green + 0.114 * blue) + 0.5)
    expected = as_bytes(share * x + (1 - share) * whitened + fallen + np.rot90(fallen, 2))
    changed = weather.snow(image, severity, u)
    assert np.abs(changed.astype(int) - expected).max() <= 2  # two flakes, each rounded
    assert (changed != expected).mean() < 1e-4


@pytest.mark.parametrize(("severity", "added"), list(enumerate((0.1, 0.2, 0.3, 0.4, 0.5), start=1)))
def test_brightness_adds_to_the_value_of_hsv(severity, added):
    image = scene(32)
    image[:, :4] = 0  # black has no hue
    image[:, 4:8] = 255
    image[1:, 8:12] = 0
    expected = np.empty(image.shape)
    for y in range(32):
        for x in range(32):
            hue, saturation, value = colorsys.rgb_to_hsv(*(image[:, y, x] / 255))
            expected[:, y, x] = colorsys.hsv_to_rgb(hue, saturation, min(value + added, 1))
    np.testing.assert_array_equal(weather.brightness(image, severity, np.empty(0)), as_bytes(expected))
