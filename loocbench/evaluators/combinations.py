"""Linear probes on concatenations of spaces, computed from one pass over each space's features.

The Gram matrix of a concatenation is the sum of its parts' Gram matrices, and so are the inner products of validation
with training images, and the squared norms by which :class:`probing.Scale` divides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loocbench.evaluators import probing
from loocbench.evaluators.strength_search import Choice, search_strength
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.gram import fit_gram_path


@dataclass(frozen=True)
class Products:
    """Inner products of features, centred by the training images' mean.

    gram: float64 [N, N], of training images; cross: float64 [M, N], of validation with training images; dim: the
    features' dimension.
    """

    gram: Tensor
    cross: Tensor
    dim: int

    @classmethod
    def from_features(cls, train: Blocks, val: Blocks) -> Products:
        """Compute the products of one space's features [N, D] and [M, D]. Raises UserError if they are not finite."""
        for part in (train, val):
            probing.require_finite(part)
        whole = train.whole().double()
        center = whole.mean(dim=0)
        whole -= center
        cross = torch.cat([(block.double() - center) @ whole.T for _, block in val])
        return cls(whole @ whole.T, cross, whole.shape[1])

    def __add__(self, other: Products) -> Products:
        """Return the products of the concatenated features."""
        return Products(self.gram + other.gram, self.cross + other.cross, self.dim + other.dim)

    @staticmethod
    def count_bytes(train: int, val: int) -> int:
        """Return the bytes that one space's products take, for ``train`` and ``val`` images."""
        return 8 * train * (train + val)


def choose_strength(
    products: Products, train: Tensor, val: Tensor, lambdas: Sequence[float], tolerance: float
) -> Choice:
    """Return what :func:`probing.choose_strength` returns, computed from inner products.

    Scale, problem and choice are the same; predictions differ by no more than the certificate allows, which bounds the
    gradient's norm on the scaled, centred features. train, val: labels int64 [N] and [M]. Raises NotConvergedError.
    """
    size = products.gram.diagonal().clamp(min=0).sqrt().mean().clamp(min=1e-12)
    gram, cross = products.gram / size**2, products.cross / size**2

    def evaluate(strengths: Sequence[float]) -> tuple[list[float], float]:
        path = fit_gram_path(gram, train, strengths, tolerance=tolerance)
        right = torch.stack([(classes == val).double().sum() for classes in path.predict(cross)]) / len(val)
        return right.tolist(), float(path.certificate.max())

    return search_strength(lambdas, evaluate)
