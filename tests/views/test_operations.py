"""Op by op on the same parameters: ours, batched, against torchvision's, one image at a time."""

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from loocbench.views import augmentations, color, geometry

TOLERANCE = 1e-5  # the goal is 1/255; the same formulae in float agree far better


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(12, 3, 32, 32, generator=generator)
    images[0] = 0.5  # flat grey: hue is undefined
    images[1, 0] = 1.0  # saturated
    images[2] = 0.0
    return images


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
    parameters = augmentations.draw_color(np.random.default_rng(0).random((12, 10)), np.zeros((12, 2), dtype=int))
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


def test_drawn_crops_have_random_resized_crops_distribution():
    """The same boxes in the mean as torchvision's get_params, and every box inside its image."""
    from torchvision.transforms import RandomResizedCrop

    count, height, width = 20_000, 60, 90
    sizes = np.tile([height, width], (count, 1))
    box = augmentations.draw_crop(np.random.default_rng(0).random((count, 22)), sizes)["box"].double()
    assert (box >= 0).all()
    assert (box[:, 0] + box[:, 2] <= height).all()
    assert (box[:, 1] + box[:, 3] <= width).all()
    torch.manual_seed(0)
    blank = torch.zeros(3, height, width)
    theirs = torch.tensor([RandomResizedCrop.get_params(blank, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(5000)])
    error = (box.mean(dim=0) - theirs.double().mean(dim=0)).abs() / (theirs.double().std(dim=0) / 5000**0.5)
    assert (error < 4).all()


def test_probabilities_of_the_drawn_parameters():
    u = np.random.default_rng(1).random((40_000, 10))
    sizes = np.full((40_000, 2), 32)
    turns = augmentations.draw_rotation(u, sizes)["turns"]
    shares = torch.bincount(turns, minlength=4) / len(turns)
    torch.testing.assert_close(shares, torch.tensor([0.5, 1 / 6, 1 / 6, 1 / 6]), rtol=0, atol=0.01)
    drawn = augmentations.draw_color(u, sizes)
    assert abs(drawn["jitter"].double().mean() - 0.8) < 0.01
    assert abs(drawn["gray"].double().mean() - 0.2) < 0.01
    assert drawn["factors"][:, 3].abs().max() <= 0.1
    assert len(drawn["order"].unique(dim=0)) == 24
