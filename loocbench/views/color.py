"""Color jitter, grayscale and blur of a batch, each image with its own parameters, as torchvision defines them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.views.row_selection import change_rows, true_rows

_LUMA = (0.2989, 0.587, 0.114)  # torchvision's rgb_to_grayscale
_NO_WEIGHT = 1e-6  # of a blur's kernel, where a sum of 13 cannot matter to 8 bits


def jitter_and_gray(images: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    """Color jitter where ``jitter``, each image in its own ``order``, then grayscale where ``gray``."""
    jittered, order, factors = true_rows(parameters["jitter"]), parameters["order"].tolist(), parameters["factors"]
    for step in range(4):
        for operation, change in enumerate((brightness, contrast, saturation, hue)):
            rows = [row for row in jittered if order[row][step] == operation]
            images = change_rows(images, rows, change, factors[:, operation])
    return change_rows(images, true_rows(parameters["gray"]), lambda x: luma(x).expand_as(x))


def luma(images: Tensor) -> Tensor:
    """Luma [B, 1, H, W] of RGB images [B, 3, H, W]."""
    red, green, blue = images.unbind(1)
    return (red * _LUMA[0]).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2]).unsqueeze(1)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Scale by ``factor`` [B], clamped to [0, 1]."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean luma; ``factor`` [B], 1 changes nothing."""
    mean = luma(images.mean(dim=(2, 3), keepdim=True))  # luma is linear: that of the mean is the mean of luma
    return _blend(images, mean, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's luma; ``factor`` [B], 1 changes nothing."""
    return _blend(images, luma(images), factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by ``shift`` [B] turns, through HSV."""
    red, green, blue = images.unbind(1)
    value = torch.maximum(red, green).clamp_(min=blue)
    low = torch.minimum(red, green).clamp_(max=blue)
    chroma = value - low
    # Which channel is the largest decides the sector. ``value - red`` has sign 0 where it is red, else 1, and lerp with
    # such weights selects exactly; it is several times as fast as ``where``.
    otherwise = torch.lerp(
        (blue - red).add_(chroma, alpha=2), (red - green).add_(chroma, alpha=4), _above(value, green)
    )
    sixths = torch.lerp(green - blue, otherwise, _above(value, red))
    # Grey has no hue: 0 / tiny is 0, and without chroma it does not matter.
    sixths.div_(chroma.clamp(min=torch.finfo(chroma.dtype).tiny)).add_(6 * shift[:, None, None])
    sixths.sub_((sixths / 6).floor_(), alpha=6)  # in [0, 6)
    # HSV back to RGB without cases: each channel is low + chroma times a trapezium of the hue, in red |h - 3| - 1, in
    # green 2 - |h - 2|, in blue 2 - |h - 4|, each clamped to [0, 1].
    center, sign, offset = images.new_tensor([[3, 2, 4], [1, -1, -1], [-1, 2, 2]])[:, None, :, None, None]
    distance = (sixths[:, None] - center).abs_()
    return torch.addcmul(low[:, None], chroma[:, None], torch.addcmul(offset, sign, distance).clamp_(0, 1))


def blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Gaussian blur with standard deviation ``sigma`` [B] pixels (0: unchanged), reflected borders.

    As torchvision's ``gaussian_blur`` with a kernel of 2 radius + 1 taps. The radius is the recipe's, not the batch's:
    an image's view must not depend on its neighbours in the batch.
    """
    if radius == 0:
        return images
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.softmax(-0.5 * (offsets / sigma.double().clamp(min=1e-3)[:, None]) ** 2, dim=1)
    kernel = torch.where(kernel < _NO_WEIGHT, 0, kernel)
    taps = [tap for tap in true_rows((kernel > 0).any(dim=0)) if tap != radius]
    return change_rows(images, true_rows(sigma > 0), partial(_filter_both_ways, taps=taps), kernel)


def _filter_both_ways(images: Tensor, kernel: Tensor, taps: Sequence[int]) -> Tensor:
    """Columns, then rows, of images [B, C, H, W] filtered by their kernel [B, 2 radius + 1]: centre and ``taps``."""
    radius = kernel.shape[1] // 2
    weights = kernel[:, :, None, None, None].unbind(1)
    for dim, padding in ((2, (0, 0, radius, radius)), (3, (radius, radius, 0, 0))):
        padded, length = F.pad(images, padding, mode="reflect"), images.shape[dim]
        images = images * weights[radius]
        for tap in taps:
            images.addcmul_(padded.narrow(dim, tap, length), weights[tap])
    return images


def _above(value: Tensor, channel: Tensor) -> Tensor:
    """0 where the channel is the largest, 1 elsewhere."""
    return (value - channel).sign_()


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(other, images, factor[:, None, None, None]).clamp_(0, 1)
