"""Dimension reduction without loss: the span of the centred data, in the basis of its singular vectors.

Exact changes of variables. Centring moves the mean into the free intercept. Weights have no component outside the span
of the data, whose dimension is at most min(N - 1, D). In the singular basis the data's second moment is diagonal, which
is what the solver's preconditioner wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from loocbench.solvers.blocks import Blocks
from loocbench.solvers.products import multiply

_NEGLIGIBLE = 1e-13  # of the largest eigenvalue; directions outside the data have smaller ones, from rounding
# The share of the largest eigenvalue from which on coordinates by eigenvectors are those by the basis, X basis', but
# for rounding: about 1e-12 of the largest coordinate. Below that share, the product is computed.
_WELL_SPREAD = 1e-8


@dataclass(frozen=True)
class Reduction:
    """features: [N, r], centred, in the singular basis. moments: [r], the eigenvalues of features' features / N.

    basis [r, D] and mean [D] lead back to the given coordinates.
    """

    features: Tensor
    moments: Tensor
    basis: Tensor
    mean: Tensor

    @classmethod
    def from_features(cls, X: Tensor) -> Reduction:  # noqa: N803  # the name of a design matrix
        """Reduce float64 X [N, D]. If N < D, the N x N Gram matrix is decomposed, otherwise the D x D second moment."""
        count, dim = X.shape
        mean = X.mean(dim=0)
        centered = X - mean
        if count <= dim:
            values, features = _coordinates(multiply(centered, centered.T))
            basis = multiply((features / values).T, centered)
            if (values >= _WELL_SPREAD * values[-1:]).all():  # ascending; none for constant features
                return cls(features, values / count, basis, mean)
        else:
            values, vectors = _decompose(multiply(centered.T, centered))
            basis = vectors.T
        # The given features themselves in the basis, so that a gradient by them is one by the given ones.
        return cls(multiply(centered, basis.T), values / count, basis, mean)

    @classmethod
    def from_gram(cls, gram: Tensor) -> Reduction:
        """Reduce from the float64 Gram matrix [N, N] of centred features, without the features.

        The coordinates [N, r] in their span count as the given ones: ``basis`` is the identity and ``mean`` is zero.
        Row n of the singular basis would be (features[:, n] / (N moments[n])) @ the centred features.
        """
        values, features = _coordinates(gram)
        basis = torch.eye(len(values), dtype=gram.dtype, device=gram.device)
        return cls(features, values / len(gram), basis, gram.new_zeros(len(values)))

    @classmethod
    def from_blocks(cls, blocks: Blocks) -> Reduction:
        """Reduce blocks of rows [N, D], in two passes with D x D memory. ``features`` is empty, [0, r]."""
        mean = blocks.mean()
        moment = mean.new_zeros(len(mean), len(mean))
        for _, block in blocks:
            centered = block.double() - mean
            moment += multiply(centered.T, centered)
        values, vectors = _decompose(moment)
        return cls(mean.new_empty(0, len(values)), values / blocks.shape[0], vectors.T, mean)

    def zeros(self, classes: int) -> Tensor:
        """The point at which all weights and intercepts are zero, [K, r + 1]."""
        return self.mean.new_zeros(classes, len(self.moments) + 1)

    @cached_property
    def single_basis(self) -> Tensor:
        """The basis in float32."""
        return self.basis.float()

    @cached_property
    def _mean_parts(self) -> tuple[Tensor, float]:
        """The mean's coordinates [r] in the basis, and the squared length of what lies outside of it."""
        inside = self.basis @ self.mean
        return inside, float((self.mean - self.basis.T @ inside).square().sum())

    def norm(self, gradient: Tensor) -> float:
        """Norm of a gradient [K, r + 1] in the coordinates of the given features: by the chain rule the gradient by W
        gains (gradient by b) x mean."""
        inside, outside = self._mean_parts
        by_weights, by_intercepts = gradient[:, :-1], gradient[:, -1]
        along = torch.addr(by_weights, by_intercepts, inside.to(gradient)).square().sum()
        return float((along + by_intercepts.square().sum() * (1 + outside)).sqrt())

    def reduce(self, features: Tensor) -> Tensor:
        """Float64 [N, D] in the given coordinates, in these: [N, r]."""
        return (features - self.mean) @ self.basis.T

    def to_given_coordinates(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Weights [..., D] and intercepts [...] in the given coordinates, of points [..., r + 1]."""
        weights = points[..., :-1] @ self.basis
        return weights, points[..., -1] - weights @ self.mean


def _coordinates(gram: Tensor) -> tuple[Tensor, Tensor]:
    """The eigenvalues [r] of a Gram matrix [N, N] and features [N, r] in the singular basis that have this matrix."""
    values, vectors = _decompose(gram)
    return values, vectors * values.sqrt()


def _decompose(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of a positive semi-definite matrix, without those that are rounding."""
    values, vectors = torch.linalg.eigh(symmetric)
    kept = values > _NEGLIGIBLE * values[-1].clamp(min=torch.finfo(values.dtype).tiny)
    return values[kept], vectors[:, kept]
