"""All views of a batch: as the torch path makes them, on any number of threads, from any memory layout."""

import numpy as np
import pytest
import torch

from loocbench.types import ImageBatch
from loocbench.views.augmentations import constant_names
from loocbench.views.fused import batch
from loocbench.views.fused.plan import make_plan
from loocbench.views.leave_one_out import leave_one_out_sources
from loocbench.views.view_maker import ViewMaker
from tests.views.fused.conftest import render

LEFT_OUT = ("color", "rotation")
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.5)


def smooth_images(count, height, width):
    """Images of 9 x 11 colors, enlarged."""
    small = torch.randint(0, 256, (count, 3, 9, 11), generator=torch.Generator().manual_seed(1)).float()
    enlarged = torch.nn.functional.interpolate(small, (height, width), mode="bilinear").round().to(torch.uint8)
    return ImageBatch(enlarged, torch.tensor([[height, width]] * count))


def make(images, size):
    maker = ViewMaker(size, leave_one_out_sources((*constant_names(), *LEFT_OUT), LEFT_OUT), mean=MEAN, std=STD)
    drawn = maker.draw(0, 0, np.arange(len(images.pixels)), images.sizes)
    out = torch.empty(4, len(images.pixels), 3, size, size)
    batch.make_views(images, make_plan(drawn, size), MEAN, STD, out)
    return maker, drawn, out


@pytest.mark.parametrize(("size", "height", "width"), [(32, 37, 45), (32, 90, 70), (128, 146, 160)])
def test_all_augmentations_together_as_the_torch_path_on_floats(size, height, width):
    """Tolerance: a grey level, normalised. On bytes the torch path's crops are rounded twice, see test_rendering."""
    images = smooth_images(24, height, width)
    maker, drawn, got = make(images, size)
    floats = ImageBatch(images.pixels.float() / 255, images.sizes)
    expected = maker.apply(floats, drawn)
    torch.testing.assert_close(got, expected, rtol=0, atol=0.01 / 255 / min(STD))


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_views_are_the_same_to_the_last_bit_on_any_number_of_threads(monkeypatch, threads):
    images = smooth_images(5, 40, 40)
    monkeypatch.setattr(batch, "_LEAST", 1)  # else so few pixels are one thread's
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    _, _, alone = make(images, 32)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    _, _, shared = make(images, 32)
    assert torch.equal(alone, shared)


def test_views_do_not_depend_on_the_layout_of_memory():
    images = smooth_images(4, 40, 50)
    _, _, planes = make(images, 32)
    last = images.pixels.contiguous(memory_format=torch.channels_last)
    _, _, interleaved = make(ImageBatch(last, images.sizes), 32)
    assert not images.pixels.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(planes, interleaved)


@pytest.mark.parametrize(
    "box", [[-1, 0, 5, 5], [0, -1, 5, 5], [0, 0, 0, 5], [0, 0, 5, 0], [30, 0, 3, 5], [0, 1, 5, 32]]
)
def test_a_crop_outside_its_image_is_refused(pixels, box):
    with pytest.raises(ValueError, match="a crop leaves the batch of 32 x 32"):
        render(pixels, 16, box=[box] * 12)


@pytest.mark.parametrize("copies", [None, torch.zeros(12, 3, 31, 32, dtype=torch.uint8)])
def test_stylised_copies_that_are_missing_or_of_another_size_are_refused(pixels, copies):
    with pytest.raises(ValueError, match="stylised copies"):
        render(pixels, 16, copies=copies, stylised=[True] * 12)
