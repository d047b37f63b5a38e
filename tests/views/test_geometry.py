"""Crops, flips and turns on the same parameters: ours, batched, against torchvision's, one image at a time."""

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from loocbench.views import geometry

TOLERANCE = 1e-5  # the goal is 1/255; the same formulae in float agree far better


def one_by_one(function, images, parameters):
    return torch.stack([function(image, value) for image, value in zip(images, parameters, strict=True)])


@pytest.mark.parametrize("crop", [geometry.crop_resize, geometry.resample], ids=["image by image", "as a product"])
@pytest.mark.parametrize("size", [8, 32, 50])
def test_crop_and_resize(pictures, size, crop):
    """Interpolation tolerance: 1e-5, float against float; see the next test for 8-bit images."""
    box = torch.tensor([[0, 0, 32, 32], [3, 5, 20, 9], [31, 31, 1, 1], [10, 0, 7, 32]] * 3)
    expected = one_by_one(
        lambda image, b: tv.resized_crop(image, *b.tolist(), [size, size], antialias=True), pictures, box
    )
    torch.testing.assert_close(crop(pictures, box, size), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("crop", "levels"),
    [(geometry.crop_resize, 1.01), (lambda *a: geometry.resample(*a) / 255, 1.5)],
    ids=["CPU", "GPU"],
)
def test_crop_and_resize_of_8_bit_images_is_within_some_grey_levels_of_pillows(pictures, crop, levels):
    """Pillow rounds to 8 bits after each of its two passes; a CPU does so too, a GPU's way never rounds."""
    pixels = (pictures * 255).round().to(torch.uint8)
    box = torch.tensor([[2, 3, 25, 19]] * 12)
    expected = torch.stack(
        [tv.to_tensor(tv.resized_crop(tv.to_pil_image(image), 2, 3, 25, 19, [16, 16])) for image in pixels]
    )
    torch.testing.assert_close(crop(pixels, box, 16), expected, rtol=0, atol=levels / 255)


def test_flips_and_quarter_turns_are_exact(pictures):
    where = torch.arange(12) % 2 == 0
    assert torch.equal(geometry.flip(pictures, where)[0], tv.hflip(pictures[0]))
    assert torch.equal(geometry.flip(pictures, where)[1], pictures[1])
    turned = geometry.quarter_turns(pictures, torch.arange(12) % 4)
    for row, image in enumerate(pictures):
        assert torch.equal(turned[row], torch.from_numpy(np.rot90(image.numpy(), row % 4, (1, 2)).copy()))
