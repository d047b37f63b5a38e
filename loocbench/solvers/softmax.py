"""The objective of multinomial logistic regression in reduced coordinates, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.products import multiply
from loocbench.solvers.reduction import Reduction

_ROWS = 2048  # of the design matrix that are multiplied at once to form the Hessian
_CALLS = 3e6  # operations that would take as long as the calls of one Hessian-vector product


@dataclass(frozen=True)
class Softmax:
    """mean cross-entropy + strength / 2 ||W||^2 of targets int64 [N] on ``data``. single: its features in float32.

    exact: whether it is evaluated in float64, or in float32, in half the time.
    """

    data: Reduction
    single: Tensor
    targets: Tensor
    strength: float
    exact: bool = True

    @property
    def features(self) -> Tensor:
        """[N, r], in the precision of its evaluation."""
        return self.data.features if self.exact else self.single

    def at(self, point: Tensor) -> SoftmaxAt:
        """The objective at a point [K, r + 1]."""
        return SoftmaxAt(self, point)

    def norm(self, gradient: Tensor) -> float:
        """Norm of the gradient in the coordinates of the given features."""
        return self.data.norm(gradient)


@dataclass(frozen=True)
class SoftmaxAt:
    """The objective at a point."""

    objective: Softmax
    point: Tensor

    @cached_property
    def _logs(self) -> Tensor:
        """Log-probabilities [N, K]."""
        features = self.objective.features
        point = self.point.to(features)
        return F.log_softmax(multiply(features, point[:, :-1].T).add_(point[:, -1]), dim=1)

    @cached_property
    def value(self) -> float:
        """Value of the objective."""
        loss = -self._logs.gather(1, self.objective.targets[:, None]).double().mean()
        return float(loss + self.objective.strength / 2 * self.point[:, :-1].square().sum())

    @cached_property
    def gradient(self) -> Tensor:
        """[K, r + 1], float64."""
        residual = self._probabilities.clone()
        residual[torch.arange(len(residual), device=residual.device), self.objective.targets] -= 1
        residual /= len(residual)
        gradient = _by_point(residual, self.objective.features).double()
        gradient[:, :-1].add_(self.point[:, :-1], alpha=self.objective.strength)
        return gradient

    @cached_property
    def _probabilities(self) -> Tensor:
        """[N, K], in the precision of the evaluation."""
        return self._logs.exp()

    @cached_property
    def _single_probabilities(self) -> Tensor:
        """Float32 [N, K]."""
        return self._probabilities.float()

    @property
    def singular_point(self) -> Tensor:
        """The point: its coordinates are those of the singular basis."""
        return self.point

    @cached_property
    def diagonal(self) -> Tensor:
        """Approximate diagonal of the Hessian, float32 [K, r + 1]."""
        p = self._probabilities
        return near_diagonal(
            p.mean(dim=0) - p.square().mean(dim=0), self.objective.data.moments, self.objective.strength
        )

    def precondition(self, residual: Tensor) -> Tensor:
        """Divide a residual [K, r + 1] by the diagonal."""
        return residual / self.diagonal

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction [K, r + 1], in the direction's precision."""
        if direction.dtype == torch.float32:
            p, features = self._single_probabilities, self.objective.single
        else:
            p, features = self._probabilities, self.objective.features
        moved = multiply(features, direction[:, :-1].T).add_(direction[:, -1])
        moved -= (p * moved).sum(dim=1, keepdim=True)
        moved.mul_(p).div_(len(p))
        product = _by_point(moved, features)
        product[:, :-1].add_(direction[:, :-1], alpha=self.objective.strength)
        return product

    @property
    def patience(self) -> float:
        """The number of Hessian-vector products that take as long as one direct solution, by counting operations:
        those of the direct one are in float64, and take twice as long each."""
        rows, size = len(self.objective.targets), self.point.numel()
        return 2 * (2 * rows * size**2 + size**3 / 3) / (4 * rows * size + _CALLS)

    def hessian(self) -> Tensor:
        """The Hessian, float64 [K (r + 1), K (r + 1)]: X' diag(p_a) X for each class a, less Z' Z of Z = (p_a X)_a.

        All intercepts may move together without a change; a term that only sees this movement makes it positive, and
        leaves every direction that is solved for as it is, since no gradient has a part along it.
        """
        classes, width = self.point.shape
        hessian = self.point.new_zeros(classes, width, classes, width)
        for begin in range(0, len(self._logs), _ROWS):
            rows = slice(begin, begin + _ROWS)
            p = self._probabilities[rows].double()
            design = torch.cat([self.objective.data.features[rows], p.new_ones(len(p), 1)], dim=1)
            weighted = p[:, :, None] * design[:, None]  # Z, [rows, K, r + 1]
            flat = weighted.flatten(1)
            hessian -= (flat.T @ flat).reshape(hessian.shape)
            hessian.diagonal(dim1=0, dim2=2).add_(torch.einsum("nkr,ns->rsk", weighted, design))
        hessian /= len(self._logs)
        hessian[:, -1, :, -1] += 1 / classes
        flat = hessian.reshape(classes * width, classes * width)
        penalised = torch.ones_like(self.point)
        penalised[:, -1] = 0
        flat.diagonal().add_(self.objective.strength * penalised.flatten())
        return flat


def near_diagonal(spread: Tensor, moments: Tensor, strength: float) -> Tensor:
    """Diagonal of the Hessian in the singular basis, float32 [K, r + 1], as if p (1 - p) were equal for all images: as
    good a preconditioner as the exact one, which takes a product of the whole data.

    spread: the classes' mean p (1 - p), [K].
    """
    spread = spread.float()
    by_weights = spread[:, None] * moments.float() + strength
    return torch.cat([by_weights, spread[:, None]], dim=1).clamp_(min=1e-12)


def _by_point(residual: Tensor, features: Tensor) -> Tensor:
    """What residuals [N, K] of the logits are as a point [K, r + 1]: their products with features [N, r], and sums."""
    result = residual.new_empty(residual.shape[1], features.shape[1] + 1)
    multiply(residual.T, features, out=result[:, :-1])
    torch.sum(residual, dim=0, out=result[:, -1])
    return result
