"""Noise against its definition, value by value."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from scipy import stats

from loocbench.changes.corruptions import noise
from tests.changes.corruptions.scenes import as_bytes, scene


@pytest.fixture
def image():
    return scene(24)


@pytest.fixture
def u():
    return np.random.default_rng(1).random(3 * 24 * 24)


@pytest.mark.parametrize(("severity", "deviation"), list(enumerate((0.08, 0.12, 0.18, 0.26, 0.38), start=1)))
def test_gaussian_noise_adds_normal_numbers_of_the_published_deviation(image, u, severity, deviation):
    normal = statistics.NormalDist(0, deviation)
    values = [min(max(x / 255 + normal.inv_cdf(number), 0), 1) for x, number in zip(image.flat, u, strict=True)]
    expected = as_bytes(np.array(values)).reshape(image.shape)
    np.testing.assert_array_equal(noise.gaussian_noise(image, severity, u), expected)


@pytest.mark.parametrize(("severity", "white"), list(enumerate((60, 25, 12, 5, 3), start=1)))
def test_shot_noise_counts_photons(image, u, severity, white):
    counts = stats.poisson.ppf(u.reshape(image.shape), image / 255 * white)
    np.testing.assert_array_equal(noise.shot_noise(image, severity, u), as_bytes(counts / white))


def test_shot_noise_of_extreme_numbers_stays_black_or_white():
    image = np.array([0, 255] * 2, dtype=np.uint8).reshape(1, 2, 2)
    rarest = np.array([1 - 2.0**-33, 1 - 2.0**-33, 2.0**-33, 1.0 - 2.0**-53])
    changed = noise.shot_noise(image, 1, rarest)
    np.testing.assert_array_equal(changed.reshape(-1), [0, 255, 0, 255])


@pytest.mark.parametrize(("severity", "share"), list(enumerate((0.03, 0.06, 0.09, 0.17, 0.27), start=1)))
def test_impulse_noise_is_salt_and_pepper_in_equal_parts(severity, share):
    grey = np.full((3, 200, 200), 128, dtype=np.uint8)
    changed = noise.impulse_noise(grey, severity, np.random.default_rng(severity).random(grey.size))
    assert set(np.unique(changed)) == {0, 128, 255}
    error = 4 * (share / 2 / grey.size) ** 0.5
    assert (changed == 0).mean() == pytest.approx(share / 2, abs=error)
    assert (changed == 255).mean() == pytest.approx(share / 2, abs=error)
