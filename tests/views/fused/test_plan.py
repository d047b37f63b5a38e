"""Which views the compiled pass makes, and what it is told of them."""

import dataclasses

import numpy as np
import pytest
import torch

from loocbench.views.augmentations import select_augmentations
from loocbench.views.augmentations.flip import FLIP
from loocbench.views.fused.plan import is_fused, make_plan
from loocbench.views.leave_one_out import independent_sources
from loocbench.views.view_maker import ViewMaker

ALL = ("crop", "flip", "blur", "color", "rotation")


@pytest.mark.parametrize(
    ("names", "variant", "fused"),
    [
        (("crop", "flip", "blur"), "", True),
        (ALL, "", True),
        ((*ALL, "texture"), "stylised", True),
        ((*ALL, "texture"), "random-convolution", False),
        (("flip", "color"), "", False),  # images of any size need a crop to become views
    ],
)
def test_which_augmentations_are_one_compiled_pass(names, variant, fused):
    assert is_fused(select_augmentations(names, variant)) == fused


def test_an_augmentation_that_is_not_known_is_not_taken_for_one_that_is():
    own = dataclasses.replace(FLIP, apply=lambda images, parameters, context: images)
    active = select_augmentations(ALL)
    assert not is_fused([*active, dataclasses.replace(FLIP, name="tint")])
    assert not is_fused([own if one is FLIP else one for one in active])
    assert not is_fused(active[::-1])


def test_a_plan_holds_what_was_drawn_for_each_view_and_image():
    sizes = torch.tensor([[36, 40]] * 6)
    drawn = ViewMaker(112, independent_sources(ALL)).draw(0, 0, np.arange(6), sizes)
    plan = make_plan(drawn, 112)
    for number, view in enumerate(drawn):
        assert np.array_equal(plan.box[number], view["crop"]["box"])
        assert np.array_equal(plan.flip[number], view["flip"]["flip"])
        assert np.array_equal(plan.turns[number], view["rotation"]["turns"])
        for field in ("jitter", "order", "factors", "gray"):
            assert np.array_equal(getattr(plan, field)[number], view["color"][field])
        assert np.array_equal(plan.sigma[number], view["blur"]["sigma"] / 2)  # given for 224 px
    assert not plan.stylised.any()


def test_what_was_not_drawn_does_nothing():
    drawn = ViewMaker(112, {"crop": (0, 1)}).draw(0, 0, np.arange(6), torch.tensor([[36, 40]] * 6))
    plan = make_plan(drawn, 112)
    for field in ("stylised", "flip", "turns", "jitter", "gray", "sigma"):
        assert getattr(plan, field).shape == (2, 6)
        assert not getattr(plan, field).any()
