"""Color jitter, grayscale and blur of a batch, each image with its own parameters, as torchvision defines them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_LUMA = (0.2989, 0.587, 0.114)  # torchvision's rgb_to_grayscale


def jitter_and_gray(images: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    """Color jitter where ``jitter``, each image in its own ``order``, then grayscale where ``gray``."""
    out = images.clone()
    order, factors = parameters["order"], parameters["factors"].to(images)
    for step in range(4):
        for operation, change in enumerate((brightness, contrast, saturation, hue)):
            chosen = (parameters["jitter"] & (order[:, step] == operation)).nonzero().flatten()
            if len(chosen):
                out[chosen] = change(out[chosen], factors[chosen, operation])
    return torch.where(parameters["gray"][:, None, None, None], luma(out).expand_as(out), out)


def luma(images: Tensor) -> Tensor:
    """Luma [B, 1, H, W] of RGB images [B, 3, H, W]."""
    red, green, blue = images.unbind(1)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).unsqueeze(1)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Scale by ``factor`` [B], clamped to [0, 1]."""
    return (images * factor[:, None, None, None]).clamp(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean luma; ``factor`` [B], 1 changes nothing."""
    return _blend(images, luma(images).mean(dim=(1, 2, 3), keepdim=True), factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's luma; ``factor`` [B], 1 changes nothing."""
    return _blend(images, luma(images), factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by ``shift`` [B] turns, through HSV."""
    red, green, blue = images.unbind(1)
    value, low = images.amax(1), images.amin(1)
    chroma = value - low
    flat = chroma == 0
    saturation_ = chroma / torch.where(flat, torch.ones_like(value), value)
    divisor = torch.where(flat, torch.ones_like(chroma), chroma)
    angle = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    turned = (angle / 6 + shift[:, None, None]).remainder(1)
    k = turned * 6
    # f(n) = v - v s max(0, min(k, 4 - k, 1)) with k = (n + 6 h) mod 6, n = 5, 3, 1: HSV back to RGB without cases.
    channels = []
    for offset in (5, 3, 1):
        m = (k + offset).remainder(6)
        channels.append(value - value * saturation_ * torch.minimum(m, 4 - m).clamp(0, 1))
    return torch.stack(channels, 1)


def blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Gaussian blur with standard deviation ``sigma`` [B] pixels (0: unchanged), reflected borders.

    As torchvision's ``gaussian_blur`` with a kernel of 2 radius + 1 taps. The radius is the recipe's, not the batch's:
    an image's view must not depend on its neighbours in the batch.
    """
    chosen = (sigma > 0).nonzero().flatten()
    if radius == 0 or len(chosen) == 0:
        return images
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma[chosen, None].to(images)) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    out = images.clone()
    blurred = images[chosen]
    for dim, padding in ((2, (0, 0, radius, radius)), (3, (radius, radius, 0, 0))):
        padded = F.pad(blurred, padding, mode="reflect")
        blurred = sum(
            (
                kernel[:, tap, None, None, None] * padded.narrow(dim, tap, images.shape[dim])
                for tap in range(2 * radius + 1)
            ),
            start=torch.zeros_like(blurred),
        )
    out[chosen] = blurred
    return out


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    ratio = factor[:, None, None, None]
    return (ratio * images + (1 - ratio) * other).clamp(0, 1)
