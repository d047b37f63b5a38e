"""loocbench.models.preprocessing and types.Preprocessing: usual values, values that cannot be, and what is assumed."""

from __future__ import annotations

import json
import math

import pytest
from pydantic import ValidationError

from loocbench.checkpoints import locate, untrained
from loocbench.errors import UserError
from loocbench.models import preprocessing
from loocbench.models.preprocessing import default_preprocessing
from loocbench.types import Preprocessing


@pytest.mark.parametrize(("image_size", "resize"), [(224, 256), (64, 73), (32, 37)])
def test_the_short_side_is_resized_to_eight_sevenths_of_the_crop(image_size, resize):
    size = default_preprocessing(image_size)
    assert (size.image_size, size.resize) == (image_size, resize)
    assert size.mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize("image_size", [0, 7, 4000, 8192])
def test_sizes_out_of_range_are_one_line(image_size):
    with pytest.raises(UserError, match=r"bad value for .*; give another --image-size"):
        default_preprocessing(image_size)


def test_bilinear_is_not_written_so_that_cards_rows_and_caches_stay_as_they_were():
    plain = default_preprocessing(32)
    assert (
        list(plain.model_dump())
        == list(json.loads(plain.model_dump_json()))
        == [
            *("image_size", "resize", "mean", "std"),
        ]
    )
    bicubic = plain.model_copy(update={"interpolation": "bicubic"})
    assert bicubic.model_dump()["interpolation"] == "bicubic"
    for values in (plain, bicubic):
        assert Preprocessing.model_validate_json(values.model_dump_json()) == values
    assert preprocessing.describe_preprocessing(bicubic).startswith("short side 37 px (bicubic), crop 32 px")


def invalid(**changes) -> str:
    with pytest.raises(ValidationError) as caught:
        Preprocessing(**{"image_size": 224, "resize": 256, **changes})
    return preprocessing.describe_invalid(caught.value)


@pytest.mark.parametrize("name", ["mean", "std"])
@pytest.mark.parametrize("value", [123.675, -0.5, 1.01, math.nan, math.inf, -math.inf])
def test_statistics_that_pixels_in_0_to_1_cannot_have_are_refused_with_their_scale(name, value):
    said = invalid(**{name: (0.5, value, 0.5)})
    assert said.startswith(f"bad value for {name}: ")
    assert said.endswith(
        f"(given {value}); mean and std are of pixel values in [0, 1]: divide those of 0 to 255 by 255"
    )


def test_a_deviation_of_zero_is_refused():
    assert invalid(std=(0.2, 0.0, 0.2)).startswith("bad value for std: input should be greater than or equal to 0.001")


def test_a_crop_larger_than_the_image_is_refused():
    assert invalid(resize=223) == "images of short side 223 px have no centre crop of 224; raise --resize"
    assert Preprocessing(image_size=224, resize=224).resize == 224


def test_what_libraries_state_is_accepted():
    timm = pytest.importorskip("timm")
    stated = {(cfg.mean, cfg.std) for cfg in map(timm.get_pretrained_cfg, timm.list_pretrained())}
    assert ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)) in stated
    for mean, std in stated:
        assert Preprocessing(image_size=224, resize=256, mean=mean, std=std).std == std
    whole_numbers = (1 / 255, 1 / 255, 1 / 255)  # networks that take 0 to 255
    assert Preprocessing(image_size=224, resize=256, std=whole_numbers).std == whole_numbers


def test_what_is_assumed_of_an_architecture_of_a_library_is_told():
    assert (
        preprocessing.describe_assumptions(locate.load("random:shufflenet_v2_x0_5").card)
        == "preprocessing ImageNet's (short side 256 px, crop 224 px, mean 0.485, 0.456, 0.406, "
        "std 0.229, 0.224, 0.225)"
    )


def test_nothing_is_assumed_of_networks_that_have_a_recipe():
    assert preprocessing.describe_assumptions(untrained.build_checkpoint("resnet8", 0).card) == ""
