"""Properties that every corruption has.

``loocbench.changes.corruptions.catalog`` and ``loocbench.changes.corruptions.pixels``.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.changes.corruptions.catalog import corrupt_images
from loocbench.changes.names import AVAILABLE, CORRUPTIONS
from loocbench.errors import UserError
from tests.changes.corruptions.scenes import halved, scene

WITHOUT_NUMBERS = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}

# The severities that grow in the mean change of a value. All five by default; the exceptions are the paper's constants.
GROWING = {
    "glass_blur": (1, 3, 5),  # 2 moves further than 1, but once instead of twice; 4 has a pass less than 3
    "snow": (1, 2, 4, 5),  # 3 is much like 2, of fewer and larger flakes
    "elastic_transform": (3, 1, 2),  # 1 and 2 move the whole image; for 3 to 5 see test_digital.py
}


def scenes(count: int, size: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([scene(size, seed) for seed in range(count)]))


def test_all_but_frost_are_made_in_the_papers_order():
    every = [name for names in CORRUPTIONS.values() for name in names]
    assert len(every) == 15
    assert list(AVAILABLE) == [name for name in every if name != "frost"]


@pytest.mark.parametrize("size", [16, 33, 64, 224])
@pytest.mark.parametrize("name", AVAILABLE)
def test_images_keep_their_form_and_the_given_ones_stay(name, size):
    images = scenes(2, size)
    before = images.clone()
    for severity in (1, 5):
        changed = corrupt_images(images, name, severity, seed=0, rows=[5, 9])
        assert changed.dtype == torch.uint8
        assert changed.shape == images.shape
        if size >= 64:
            assert all(not torch.equal(x, y) for x, y in zip(changed, images, strict=True))
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", AVAILABLE)
@settings(max_examples=5, deadline=None)
@given(
    order=st.permutations(range(5)),
    size=st.integers(1, 5),
    seed=st.sampled_from([0, 3, 2**64 - 1]),
    severity=st.integers(1, 5),
)
def test_an_image_depends_on_its_row_alone(name, order, size, seed, severity):
    images, rows = scenes(5, 32), [0, 7, 8, 1000, 2**32 - 1]
    together = corrupt_images(images, name, severity, seed=seed, rows=rows)
    for start in range(0, 5, size):
        batch = order[start : start + size]
        apart = corrupt_images(images[batch], name, severity, seed=seed, rows=[rows[number] for number in batch])
        assert torch.equal(apart, together[batch])


@pytest.mark.parametrize("name", AVAILABLE)
def test_rows_and_seeds_differ_where_anything_is_random(name):
    image = scenes(1, 64)
    first, second = corrupt_images(image.repeat(2, 1, 1, 1), name, 3, seed=1, rows=[0, 1])
    (other_seed,) = corrupt_images(image, name, 3, seed=2, rows=[0])
    random = name not in WITHOUT_NUMBERS
    assert torch.equal(first, second) == (not random)
    assert torch.equal(first, other_seed) == (not random)


def test_severities_and_corruptions_draw_numbers_of_their_own():
    grey = torch.full((1, 3, 64, 64), 128, dtype=torch.uint8)
    noise = [corrupt_images(grey, "gaussian_noise", s, seed=0, rows=[0]).double().reshape(-1) for s in (1, 2)]
    noise.append(corrupt_images(grey, "shot_noise", 1, seed=0, rows=[0]).double().reshape(-1))
    correlations = torch.corrcoef(torch.stack(noise)) - torch.eye(3)
    assert correlations.abs().max() < 4 / noise[0].numel() ** 0.5


@pytest.mark.parametrize("name", [name for name in AVAILABLE if name != "fog"])
def test_severity_grows(name):
    images, severities = scenes(6, 224), GROWING.get(name, (1, 2, 3, 4, 5))
    changes = [
        (corrupt_images(images, name, severity, seed=0, rows=range(6)).float() - images.float()).abs().mean().item()
        for severity in severities
    ]
    assert changes == sorted(changes)
    assert changes[0] > 1


def test_fog_hides_more_with_severity():
    images = scenes(6, 224)
    kept = []  # the share of a foggy image's variance that the image explains; fog itself may be bright or dark
    for severity in range(1, 6):
        foggy = corrupt_images(images, "fog", severity, seed=0, rows=range(6))
        pairs = torch.stack([images.double().flatten(1), foggy.double().flatten(1)], 1)
        kept.append(np.mean([torch.corrcoef(pair)[0, 1].item() ** 2 for pair in pairs]))
    assert kept == sorted(kept, reverse=True)


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize(
    "name", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow", "fog", "brightness", "contrast"]
)
def test_a_corruption_means_the_same_at_half_the_resolution(name, severity):
    large = scene()
    small = torch.from_numpy(halved(large))[None]
    then_halved = halved(corrupt_images(torch.from_numpy(large)[None], name, severity, seed=0, rows=[3])[0].numpy())
    halved_first = corrupt_images(small, name, severity, seed=0, rows=[3])[0].numpy()
    strength = np.abs(then_halved.astype(int) - small[0].numpy()).mean()
    assert np.abs(then_halved.astype(int) - halved_first).mean() < 0.25 * strength


@pytest.mark.parametrize("severity", [1, 2, 3, 5])
def test_elastic_displacements_scale_with_the_image(severity):
    large = np.stack([scene(224, seed) for seed in range(6)])
    small = np.stack([halved(image) for image in large])
    strengths = []
    for images in (large, small):
        changed = corrupt_images(torch.from_numpy(images), "elastic_transform", severity, seed=0, rows=range(6)).numpy()
        # both at the small resolution
        after = changed if images is small else np.stack([halved(image) for image in changed])
        strengths.append(np.abs(after.astype(int) - small).mean())
    assert strengths[1] == pytest.approx(strengths[0], rel=0.25)


def test_an_empty_batch_stays_empty():
    assert corrupt_images(torch.empty(0, 3, 32, 32, dtype=torch.uint8), "snow", 1, seed=0, rows=[]).shape == (
        0,
        3,
        32,
        32,
    )


@pytest.mark.parametrize(
    ("name", "severity", "size", "words"),
    [
        ("gausian_noise", 1, 32, "Did you mean 'gaussian_noise'"),
        ("frost", 1, 32, "photographs"),
        ("snow", 0, 32, "Available: 1, 2, 3, 4, 5"),
        ("snow", 6, 32, "severity 6"),
        ("snow", 1, 15, "16 px"),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(name, severity, size, words):
    with pytest.raises(UserError, match=words) as error:
        corrupt_images(torch.zeros(1, 3, size, size, dtype=torch.uint8), name, severity, seed=0, rows=[0])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("images", "rows"),
    [
        (torch.zeros(1, 3, 32, 32), [0]),
        (torch.zeros(1, 1, 32, 32, dtype=torch.uint8), [0]),
        (torch.zeros(1, 3, 32, 40, dtype=torch.uint8), [0]),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), [0]),
    ],
)
def test_other_tensors_are_refused(images, rows):
    with pytest.raises(ValueError, match="images"):
        corrupt_images(images, "contrast", 1, seed=0, rows=rows)
