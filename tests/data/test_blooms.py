"""The embedded data set: deterministic, independent factors, the same flower at every resolution.

``loocbench.data.blooms`` and ``loocbench.data.blooms_render``.
"""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from loocbench.data import blooms, blooms_render, catalog


def test_counts_and_labels():
    dataset = blooms.make_blooms()
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 3000, "val": 1000, "test": 2000}
    for split in dataset.splits.values():
        for factor, labels in split.labels.items():
            assert set(labels) == set(range(len(split.class_names[factor])))
    items = [item for split in dataset.splits.values() for item in split.items]
    assert len(items) == len(set(items))


def test_an_image_depends_on_seed_and_index_alone():
    dataset, other = blooms.make_blooms(), blooms.make_blooms({"train": 5, "test": 9})
    items = ["bloom-00000003", "bloom-00000007"]
    first, again = dataset.read(items, 20), other.read(items[::-1], 20)[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], blooms.make_blooms(seed=1).read(items, 20)[0])


def test_factors_are_independent():
    labels = blooms.make_blooms({"train": 20_000}).splits["train"].labels
    for a, b in itertools.combinations(labels, 2):
        counts = np.histogram2d(
            labels[a], labels[b], bins=[np.arange(labels[a].max() + 2), np.arange(labels[b].max() + 2)]
        )
        assert chi2_contingency(counts[0]).pvalue > 1e-3


@pytest.mark.parametrize("size", [32, 64])
def test_the_same_flower_at_every_resolution(size):
    drawn = blooms_render.draw_blooms(0, np.arange(20))
    small = blooms_render.render_blooms(drawn, size).astype(float)
    large = blooms_render.render_blooms(drawn, 4 * size).astype(float)
    shrunk = large.reshape(20, size, 4, size, 4, 3).mean(axis=(2, 4))
    assert np.abs(small - shrunk).mean() < 2.0


def test_the_colour_label_is_the_hue_of_the_petals():
    """Median hue of the strongly coloured pixels, in the label's bin."""
    drawn = blooms_render.draw_blooms(0, np.arange(60))
    images = blooms_render.render_blooms(drawn, 64).astype(float) / 255
    for image, label in zip(images, drawn.color, strict=True):
        pixels = image.reshape(-1, 3)
        chroma = pixels.max(axis=1) - pixels.min(axis=1)
        r, g, b = pixels[chroma > 0.75 * chroma.max()].T
        hue = np.arctan2(np.sqrt(3) * (g - b), 2 * r - g - b) / (2 * np.pi) % 1
        position = (np.median(hue) - blooms_render.FIRST_HUE) / blooms_render.HUE_RANGE * len(blooms_render.COLORS)
        assert abs(position - (label + 0.5)) < 0.75


def test_up_is_brighter():
    images = blooms_render.render_blooms(blooms_render.draw_blooms(0, np.arange(100)), 32).mean(axis=3)
    assert (images[:, :10].mean(axis=(1, 2)) > images[:, -10:].mean(axis=(1, 2))).mean() > 0.9


def test_hsv_is_the_standard_conversion():
    import colorsys

    for h, s, v in np.random.default_rng(0).random((50, 3)):
        np.testing.assert_allclose(
            blooms_render.hsv_to_rgb(np.float64(h), np.float64(s), np.float64(v)),
            colorsys.hsv_to_rgb(h, s, v),
            atol=1e-12,
        )


def test_the_embedded_set_is_the_recorded_one():
    assert catalog.open_dataset("blooms").note == ""
