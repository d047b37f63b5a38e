"""Color operations on the same parameters: ours, batched, against torchvision's, one image at a time.

Covers ``loocbench.views.color``, ``loocbench.views.row_selection``.
"""

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from loocbench.views import color
from loocbench.views.augmentations.color import draw_color

TOLERANCE = 1e-5  # the goal is 1/255; the same formulae in float agree far better


def one_by_one(function, images, parameters):
    return torch.stack([function(image, value) for image, value in zip(images, parameters, strict=True)])


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        (color.brightness, tv.adjust_brightness, 0.6, 1.4),
        (color.contrast, tv.adjust_contrast, 0.6, 1.4),
        (color.saturation, tv.adjust_saturation, 0.6, 1.4),
        (color.hue, tv.adjust_hue, -0.5, 0.5),
    ],
)
def test_jitter_operations(pictures, ours, theirs, low, high):
    factors = torch.linspace(low, high, len(pictures))
    expected = one_by_one(lambda image, factor: theirs(image, float(factor)), pictures, factors)
    torch.testing.assert_close(ours(pictures, factors), expected, rtol=0, atol=TOLERANCE)


def test_the_four_jitter_operations_in_each_images_own_order_then_grayscale(pictures):
    drawn = draw_color(np.random.default_rng(0).random((12, 10)), np.zeros((12, 2), dtype=int))
    parameters = {name: torch.from_numpy(value) for name, value in drawn.items()}
    operations = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)
    expected = []
    for row, image in enumerate(pictures):
        if parameters["jitter"][row]:
            for operation in parameters["order"][row]:
                image = operations[operation](image, float(parameters["factors"][row, operation]))
        expected.append(tv.rgb_to_grayscale(image, 3) if parameters["gray"][row] else image)
    assert parameters["jitter"].any()
    assert parameters["gray"].any()
    torch.testing.assert_close(
        color.jitter_and_gray(pictures, parameters), torch.stack(expected), rtol=0, atol=TOLERANCE
    )


def test_blur(pictures):
    sigma = torch.tensor([0.0, 0.1, 0.5, 1.0, 1.5, 2.0] * 2)
    expected = one_by_one(lambda x, s: tv.gaussian_blur(x, [13, 13], [float(s)] * 2) if s > 0 else x, pictures, sigma)
    torch.testing.assert_close(color.blur(pictures, sigma, 6), expected, rtol=0, atol=TOLERANCE)
