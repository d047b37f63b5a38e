"""Random convolutions against a naive loop over images; stylised copies; sharing.

Covers ``loocbench.views.convolution``, ``loocbench.views.augmentations.random_convolution``,
``loocbench.views.augmentations.stylised``.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from loocbench import philox
from loocbench.types import ImageBatch
from loocbench.views import convolution
from loocbench.views.augmentations import constant_names, random_convolution
from loocbench.views.leave_one_out import leave_one_out_sources
from loocbench.views.view_maker import ViewMaker

ALWAYS = constant_names()
NO_SIZES = np.zeros((400, 2), dtype=np.int64)


def draw_kernels(count=400):
    u = philox.uniforms(0, np.arange(count), major=0, minor=0, count=random_convolution.UNIFORMS)
    drawn = random_convolution.draw_random_convolution(u, NO_SIZES[:count])
    return {name: torch.from_numpy(value) for name, value in drawn.items()}


def test_each_image_is_filtered_by_its_own_kernel():
    parameters = draw_kernels(24)
    images = torch.rand(24, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    got = convolution.filter_and_mix(images, parameters["size"], parameters["weights"], parameters["mix"])
    for row in range(24):
        size = int(parameters["size"][row])
        if size == 0:
            assert torch.equal(got[row], images[row])
            continue
        x = images[row : row + 1] - 0.5
        padded = F.pad(x, (size // 2,) * 4, mode="reflect") if size > 1 else x
        filtered = F.conv2d(padded, parameters["weights"][row, :, :, :size, :size])
        mix = parameters["mix"][row]
        expected = (mix * x + (1 - mix) * filtered + 0.5).clamp(0, 1)[0]
        torch.testing.assert_close(got[row], expected, atol=1e-6, rtol=1e-5)


def test_kernels_have_the_papers_distribution():
    parameters = draw_kernels()
    sizes = parameters["size"].numpy()
    assert set(sizes) == {0, *random_convolution.KERNELS}
    assert 0.42 < (sizes > 0).mean() < 0.58
    for size in random_convolution.KERNELS:
        weights = parameters["weights"][sizes == size][..., :size, :size]
        assert float(weights.mean()) == pytest.approx(0, abs=0.1 / size)
        assert float(weights.var()) == pytest.approx(1 / (3 * size**2), rel=0.2)


def test_texture_is_shared_like_any_other_augmentation():
    left_out = ("color", "texture")
    maker = ViewMaker(16, leave_one_out_sources((*ALWAYS, *left_out), left_out), "random-convolution")
    q, k0, _, k2 = maker.draw(0, 0, np.arange(40), torch.full((40, 2), 20))
    assert torch.equal(q["texture"]["weights"], k2["texture"]["weights"])
    assert not torch.equal(q["texture"]["weights"], k0["texture"]["weights"])


def test_a_stylised_view_is_made_of_the_copy():
    """With nothing else active, each view is its image's copy or its image, as drawn."""
    maker = ViewMaker(16, {"texture": (0, 1)}, "stylised")
    pixels, copies = torch.zeros(12, 3, 16, 16, dtype=torch.uint8), torch.full((12, 3, 16, 16), 255, dtype=torch.uint8)
    sizes = torch.full((12, 2), 16)
    parameters = maker.draw(0, 0, np.arange(12), sizes)
    views = maker.apply(ImageBatch(pixels, sizes, copies), parameters)
    for view, values in zip(parameters, views, strict=True):
        assert torch.equal(values.amin(dim=(1, 2, 3)), view["texture"]["stylised"].float())
        assert torch.equal(values.amin(dim=(1, 2, 3)), values.amax(dim=(1, 2, 3)))
    assert 0 < float(views[0].mean()) < 1
