"""Changes of test images: pure functions of change, row and image; torchvision's where torchvision has them.

``loocbench.changes.applying``, ``loocbench.changes.names``, ``loocbench.changes.operations`` and
``loocbench.changes.ranges``.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import functional as tv

from loocbench.changes import applying
from loocbench.changes.corruptions import catalog
from loocbench.changes.names import AVAILABLE
from loocbench.changes.operations import OPERATIONS
from loocbench.changes.ranges import AUGMENTATIONS, RANGES, get_range
from loocbench.errors import UserError
from loocbench.types import UNCHANGED, Change

SIDE = 32


def crops(count=6, seed=0, *, side=SIDE, detail=5):
    coarse = torch.rand(count, 3, detail, detail, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, side, mode="bilinear").mul(255).byte()


@pytest.mark.parametrize("name", RANGES)
def test_the_strength_that_is_nothing_changes_nothing(name):
    assert (
        applying.apply_change(crops(), Change(name, get_range(name).nothing), range(6)).int() - crops().int()
    ).abs().max() <= 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_strength_of_a_curve_changes_something_and_keeps_the_format(name):
    images = crops(side=112, detail=56)
    for strength in get_range(name).strengths:
        changed = applying.apply_change(images, Change(name, strength), range(6))
        assert changed.shape == images.shape
        assert changed.dtype == torch.uint8
        assert (changed.int() - images.int()).abs().float().mean() > 0.3


def test_nothing_at_all_gives_the_images_themselves():
    images = crops()
    assert applying.apply_change(images, UNCHANGED, range(6)) is images


@pytest.mark.parametrize(
    ("name", "strength", "theirs"),
    [
        ("hue", 60, lambda x: tv.adjust_hue(x, 60 / 360)),
        ("saturation", 0.5, lambda x: tv.adjust_saturation(x, 0.5)),
        ("brightness", 1.25, lambda x: tv.adjust_brightness(x, 1.25)),
        ("contrast", 0.75, lambda x: tv.adjust_contrast(x, 0.75)),
        ("flip", 1, tv.hflip),
        ("zoom", 0.5, lambda x: tv.resize(tv.center_crop(x, [16, 16]), [SIDE, SIDE], antialias=True)),
        ("rotation", 90, lambda x: torch.rot90(x, 1, (2, 3))),
        ("rotation", 270, lambda x: torch.rot90(x, 3, (2, 3))),
    ],
)
def test_it_is_torchvisions_operation(name, strength, theirs):
    expected = theirs(crops().float() / 255)
    found = applying.apply_change(crops(), Change(name, strength), range(6)).float() / 255
    assert float((found - expected).abs().max()) <= 1 / 255 + 1e-6


@given(st.sampled_from(sorted(AUGMENTATIONS)), st.integers(0, 2**31), st.permutations(range(6)), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_an_image_is_changed_the_same_in_any_company(name, seed, order, view):
    change = Change(name, drawn=True, seed=seed, view=view)
    places = [100 + row for row in range(6)]
    whole = applying.apply_change(crops(), change, places)
    shuffled = applying.apply_change(crops()[order], change, [places[row] for row in order])
    assert torch.equal(shuffled, whole[order])
    assert torch.equal(applying.apply_change(crops()[:1], change, places[:1]), whole[:1])


def test_drawn_strengths_fill_the_range():
    for name, over in AUGMENTATIONS.items():
        drawn = applying.draw_strengths(Change(name, drawn=True, seed=1), range(2000))
        if over.classes:
            assert set(drawn) == set(over.classes)
            counts = np.array([(drawn == value).mean() for value in over.classes])
            np.testing.assert_allclose(counts, 1 / len(over.classes), atol=0.05)
        else:
            assert over.low <= drawn.min() < over.low + 0.01 * (over.high - over.low)
            assert drawn.mean() == pytest.approx((over.low + over.high) / 2, abs=0.03 * (over.high - over.low))


def test_views_are_independent_of_one_another_and_of_the_strength():
    first, second = (applying.apply_change(crops(), Change(view=view), range(6)) for view in (1, 2))
    assert not torch.equal(first, second)
    turned = applying.apply_change(crops(), Change("rotation", 90, view=1), range(6))
    assert torch.equal(turned, torch.rot90(first, 1, (2, 3)))


def test_every_change_has_an_operation_and_every_corruption_is_made():
    assert OPERATIONS.keys() == RANGES.keys()
    assert set(catalog._BY_NAME) == set(AVAILABLE)


def test_an_unknown_change_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match="Did you mean 'hue'"):
        applying.apply_change(crops(), Change("hues", 1), range(6))
