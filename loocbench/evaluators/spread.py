"""Whether features tell images apart at all."""

from __future__ import annotations

from torch import Tensor

_NEARLY = 1e-5  # of the features' size; float32 products of equal images differ by about 1e-7


def describe_constant(features: Tensor) -> str:
    """Return in words that features [N, D] are the same, or nearly, for all images; "" if they are not.

    Nearly: the root mean square of their distances from their mean is less than 1e-5 of that of their norms.
    """
    values = features.double()
    spread = float((values - values.mean(dim=0)).square().sum())
    if not spread:
        return "all test images have the same features"
    relative = (spread / float(values.square().sum())) ** 0.5
    return f"test images differ by {relative:.0e} of the features' size" if relative < _NEARLY else ""
