"""Whether features tell images apart at all."""

from __future__ import annotations

import torch

from loocbench.solvers.blocks import Blocks

_NEARLY = 1e-5  # of the features' size; float32 products of equal images differ by about 1e-7


def describe_constant(features: Blocks) -> str:
    """Return in words that features [N, D] are the same, or nearly, for all images; "" if they are not.

    Nearly: the root mean square of their distances from their mean is less than 1e-5 of that of their norms.
    """
    mean = features.mean()
    spread = torch.stack([(block.double() - mean).square().sum() for _, block in features]).sum()
    size = torch.stack([block.double().square().sum() for _, block in features]).sum()
    if not spread:
        return "all test images have the same features"
    relative = float((spread / size).sqrt())
    return f"test images differ by {relative:.0e} of the features' size" if relative < _NEARLY else ""
