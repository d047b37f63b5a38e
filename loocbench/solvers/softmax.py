"""The objective of multinomial logistic regression in reduced coordinates, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.reduction import Reduction


@dataclass(frozen=True)
class Softmax:
    """mean cross-entropy + strength / 2 ||W||^2 of targets int64 [N] on ``data``. single: its features in float32."""

    data: Reduction
    single: Tensor
    targets: Tensor
    strength: float

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
        return F.log_softmax(torch.addmm(self.point[:, -1], self.objective.data.features, self.point[:, :-1].T), dim=1)

    @cached_property
    def value(self) -> float:
        """Value of the objective."""
        loss = F.nll_loss(self._logs, self.objective.targets)
        return float(loss + self.objective.strength / 2 * self.point[:, :-1].square().sum())

    @cached_property
    def gradient(self) -> Tensor:
        """[K, r + 1], float64."""
        residual = self._logs.exp()
        residual[torch.arange(len(residual), device=residual.device), self.objective.targets] -= 1
        residual /= len(residual)
        by_weights = residual.T @ self.objective.data.features + self.objective.strength * self.point[:, :-1]
        return torch.cat([by_weights, residual.sum(dim=0)[:, None]], dim=1)

    @cached_property
    def _probabilities(self) -> Tensor:
        """Float32 [N, K]."""
        return self._logs.exp().float()

    @cached_property
    def diagonal(self) -> Tensor:
        """Diagonal of the Hessian, float32 [K, r + 1]."""
        spread = self._probabilities * (1 - self._probabilities) / len(self._probabilities)
        by_weights = spread.T @ self.objective.single.square() + self.objective.strength
        return torch.cat([by_weights, spread.sum(dim=0)[:, None]], dim=1).clamp_(min=1e-12)

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction, float32 [K, r + 1]."""
        p, single = self._probabilities, self.objective.single
        moved = torch.addmm(direction[:, -1], single, direction[:, :-1].T)
        moved -= (p * moved).sum(dim=1, keepdim=True)
        moved *= p / len(p)
        by_weights = torch.addmm(direction[:, :-1], moved.T, single, beta=self.objective.strength)
        return torch.cat([by_weights, moved.sum(dim=0)[:, None]], dim=1)
