"""The compiled pass, one operation at a time: beside torchvision's and beside the torch path on the same parameters.

Covers ``loocbench.views.fused.rendering``, ``loocbench.views.fused.resampling``, ``loocbench.views.fused.color``,
``loocbench.views.fused.blur``. An image that is not resized is read exactly, so each test sees its operation alone.
"""

import itertools

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from loocbench.views import color, geometry
from loocbench.views.fused import blur, resampling
from tests.views.fused.conftest import render

TOLERANCE = 1e-5  # the goal is 1/255; the same formulae in float agree far better
BOXES = [[0, 0, 32, 32], [3, 5, 20, 9], [31, 31, 1, 1], [10, 0, 7, 32], [0, 30, 32, 2], [1, 1, 31, 30]] * 2


def one_by_one(function, images, parameters):
    return torch.stack([function(image, value) for image, value in zip(images, parameters, strict=True)])


@pytest.mark.parametrize("size", [8, 16, 32, 50, 64])
def test_crop_and_resize(pixels, size):
    """Sizes at which two to eight source rows make one of the view's."""
    expected = one_by_one(
        lambda image, box: tv.resized_crop(image, *box, [size, size], antialias=True), pixels.float() / 255, BOXES
    )
    torch.testing.assert_close(render(pixels, size, box=BOXES), expected, rtol=0, atol=TOLERANCE)


def test_crop_and_resize_of_images_that_are_not_square():
    pixels = torch.randint(0, 256, (4, 3, 60, 41), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    box = [[0, 0, 60, 41], [59, 0, 1, 41], [0, 40, 60, 1], [7, 3, 50, 30]]
    expected = one_by_one(
        lambda image, b: tv.resized_crop(image, *b, [24, 24], antialias=True), pixels.float() / 255, box
    )
    torch.testing.assert_close(render(pixels, 24, box=box), expected, rtol=0, atol=TOLERANCE)


def test_crop_and_resize_is_within_a_grey_level_of_the_torch_path_on_bytes_and_of_pillow(pixels):
    """They round to 8 bits after each of two passes; the compiled pass never does."""
    box = torch.tensor(BOXES)
    got = render(pixels, 16, box=BOXES)
    torch.testing.assert_close(got, geometry.crop_resize(pixels, box, 16), rtol=0, atol=1.01 / 255)
    pillow = one_by_one(
        lambda image, b: tv.to_tensor(tv.resized_crop(tv.to_pil_image(image), *b, [16, 16])), pixels, BOXES
    )
    torch.testing.assert_close(got, pillow, rtol=0, atol=1.01 / 255)


def test_weights_are_those_of_a_naive_loop():
    """Every sample is the weighted mean of the source samples within reach of its centre, by distance."""
    for length, size in ((1, 4), (7, 16), (16, 16), (20, 16), (50, 16)):
        first, weights = np.zeros(size, np.int64), np.full((size, 12), np.nan, np.float32)
        taps = resampling.fill_weights.py_func(length, False, 1.0, first, weights)
        source = np.random.default_rng(0).random(length + 1)  # the last is memory that a weight of 0 may read
        for q in range(size):
            center, support = (q + 0.5) * length / size, max(length / size, 1)
            raw = np.array([max(0, 1 - abs(i + 0.5 - center) / support) for i in range(length)])
            expected = (raw * source[:-1]).sum() / raw.sum()
            got = (weights[q, :taps] * source[first[q] : first[q] + taps]).sum()
            assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_flips_and_quarter_turns_move_pixels_exactly(pixels, flip, turns):
    got = render(pixels, 32, flip=[flip] * 12, turns=[turns] * 12)
    moved = torch.rot90(pixels.flip(3) if flip else pixels, turns, (2, 3))
    assert torch.equal((got * 255).round().to(torch.uint8), moved)
    plain = render(pixels, 32)
    assert torch.equal(got, torch.rot90(plain.flip(3) if flip else plain, turns, (2, 3)))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_crops_are_flipped_and_then_turned(pixels, flip, turns):
    resized = geometry.crop_resize(pixels.float() / 255, torch.tensor(BOXES), 20)
    expected = torch.rot90(resized.flip(3) if flip else resized, turns, (2, 3))
    got = render(pixels, 20, box=BOXES, flip=[flip] * 12, turns=[turns] * 12)
    torch.testing.assert_close(got, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("operation", "theirs", "low", "high"),
    [
        (0, tv.adjust_brightness, 0.6, 1.4),
        (1, tv.adjust_contrast, 0.6, 1.4),
        (2, tv.adjust_saturation, 0.6, 1.4),
        (3, tv.adjust_hue, -0.5, 0.5),
    ],
)
def test_jitter_operations(pixels, operation, theirs, low, high):
    """The other three operations have factors that change nothing."""
    values = torch.linspace(low, high, 12)
    factors = torch.tensor([[1.0, 1.0, 1.0, 0.0]] * 12)
    factors[:, operation] = values
    got = render(pixels, 32, jitter=[True] * 12, order=[[0, 1, 2, 3]] * 12, factors=factors)
    expected = one_by_one(lambda image, value: theirs(image, float(value)), pixels.float() / 255, values)
    torch.testing.assert_close(got, expected, rtol=0, atol=TOLERANCE)


def test_jitter_in_every_order_then_grayscale():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (24, 3, 40, 40), dtype=torch.uint8, generator=generator)
    order = torch.tensor(list(itertools.permutations(range(4))))
    factors = 0.6 + 0.8 * torch.rand(24, 4, generator=generator)
    factors[:, 3] = (factors[:, 3] - 1) / 4
    parameters = {
        "jitter": torch.arange(24) % 5 > 0,
        "order": order,
        "factors": factors,
        "gray": torch.arange(24) % 3 == 0,
    }
    expected = color.jitter_and_gray(pixels.float() / 255, parameters)
    torch.testing.assert_close(render(pixels, 40, **parameters), expected, rtol=0, atol=TOLERANCE)


def test_contrast_of_a_large_view_is_about_the_mean_of_all_of_it():
    """A view of more than one block of rows, of which the last is smaller."""
    pixels = torch.randint(0, 256, (1, 3, 150, 150), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[:, :, 75:] //= 4
    got = render(pixels, 150, jitter=[True], order=[[1, 0, 2, 3]], factors=[[1.0, 0.6, 1.0, 0.0]])
    torch.testing.assert_close(got[0], tv.adjust_contrast(pixels[0].float() / 255, 0.6), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", [12, 32, 64, 150, 224])
def test_blur(size):
    """Up to the widest of each size. One of 150 px has more than one block of rows, of which the last is smaller."""
    pixels = torch.randint(0, 256, (6, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.0, 0.1, 0.5, 1.0, 1.5, 2.0]) * size / 224
    radius = -(-6 * size // 224)
    expected = one_by_one(
        lambda x, s: tv.gaussian_blur(x, [2 * radius + 1] * 2, [float(s)] * 2) if s > 0 else x,
        pixels.float() / 255,
        sigma,
    )
    got = render(pixels, size, sigma=sigma)
    torch.testing.assert_close(got, expected, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(got, color.blur(pixels.float() / 255, sigma, radius), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 2.0])
def test_a_kernel_adds_up_to_one_and_reaches_an_even_number_of_pixels(sigma):
    kernel = np.zeros(7, np.float32)
    reach = blur.fill_kernel.py_func(sigma, 6, kernel)
    assert reach % 2 == 0
    assert kernel[reach + 1 :].sum() == 0
    assert kernel[0] + 2 * kernel[1:].sum() == pytest.approx(1, abs=1e-5)


def test_a_stylised_view_is_made_of_the_copy(pixels):
    copies = 255 - pixels
    chosen = torch.arange(12) % 2 == 0
    got = render(pixels, 32, copies=copies, stylised=chosen)
    expected = torch.where(chosen[:, None, None, None], copies, pixels)
    assert torch.equal((got * 255).round().to(torch.uint8), expected)
