"""The logistic path on features that are read a block at a time: memory does not grow with the number of images.

The same problem, solver and certificate as in ``logistic``. The second moment D x D is gathered in one pass; after that
the data stay in their own coordinates and points are turned instead, and probabilities are computed anew wherever they
are needed, since N x K of them would not fit either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, require_converged, solve_grid
from loocbench.solvers.products import multiply
from loocbench.solvers.reduction import Reduction


def fit_streamed_path(blocks: Blocks, y: Tensor, lambdas: Sequence[float], *, tolerance: float = 1e-5) -> LogisticPath:
    """``fit_logistic_path`` of blocks [N, D] and labels int64 [N]. Needs memory for D x D numbers, and one block.

    Raises NotConvergedError, and ValueError for a lambda that is not positive.
    """
    if not lambdas or min(lambdas) <= 0:
        raise ValueError("every lambda must be positive")
    data = Reduction.from_blocks(blocks)
    classes = int(y.max()) + 1
    found = solve_grid(lambda strength: Streamed(blocks, data, y, strength), data, classes, lambdas, tolerance)
    points = torch.stack([found[strength] for strength in lambdas])
    weights, intercepts = (torch.stack(parts) for parts in zip(*map(data.to_given_coordinates, points), strict=True))
    norms = _gradient_norms(blocks, y, weights, intercepts, lambdas)
    require_converged(lambdas, norms, tolerance)
    return LogisticPath(tuple(lambdas), points, data, points.new_tensor(norms))


@dataclass(frozen=True)
class Streamed:
    """mean cross-entropy + strength / 2 ||W||^2 of targets int64 [N] on ``blocks``, in the coordinates of ``data``."""

    blocks: Blocks
    data: Reduction
    targets: Tensor
    strength: float

    def at(self, point: Tensor) -> StreamedAt:
        """The objective at a point [K, r + 1]."""
        return StreamedAt(self, point)

    def norm(self, gradient: Tensor) -> float:
        """Norm of the gradient in the coordinates of the given features."""
        return self.data.norm(gradient)


@dataclass(frozen=True)
class StreamedAt:
    """The objective at a point."""

    objective: Streamed
    point: Tensor

    @cached_property
    def _pass(self) -> tuple[float, Tensor, Tensor]:
        """Mean cross-entropy, its gradient [K, r + 1], and the classes' mean p (1 - p) [K]: one pass over the data."""
        data, count = self.objective.data, self.objective.blocks.shape[0]
        weights, intercepts = data.to_given_coordinates(self.point)
        loss, spread = self.point.new_zeros(()), torch.zeros_like(intercepts)
        by_weights, by_intercepts = torch.zeros_like(weights), torch.zeros_like(intercepts)
        for rows, block in self.objective.blocks:
            features, targets = block.double(), self.objective.targets[rows]
            logs = F.log_softmax(multiply(features, weights.T).add_(intercepts), dim=1)
            loss += F.nll_loss(logs, targets, reduction="sum")
            p = logs.exp()
            spread += (p * (1 - p)).sum(dim=0)
            p[torch.arange(len(p), device=p.device), targets] -= 1
            by_weights += multiply(p.T, features)
            by_intercepts += p.sum(dim=0)
        centered = by_weights - by_intercepts[:, None] * data.mean
        gradient = torch.cat([centered @ data.basis.T, by_intercepts[:, None]], dim=1)
        return float(loss / count), gradient / count, spread / count

    @property
    def value(self) -> float:
        """Value of the objective."""
        return self._pass[0] + self.objective.strength / 2 * float(self.point[:, :-1].square().sum())

    @cached_property
    def gradient(self) -> Tensor:
        """[K, r + 1], float64."""
        gradient = self._pass[1].clone()
        gradient[:, :-1] += self.objective.strength * self.point[:, :-1]
        return gradient

    @cached_property
    def diagonal(self) -> Tensor:
        """Approximate diagonal of the Hessian, float32 [K, r + 1], as if p (1 - p) were equal for all images."""
        spread = self._pass[2].float()
        by_weights = spread[:, None] * self.objective.data.moments.float() + self.objective.strength
        return torch.cat([by_weights, spread[:, None]], dim=1).clamp_(min=1e-12)

    @cached_property
    def _single(self) -> tuple[Tensor, Tensor]:
        weights, intercepts = self.objective.data.to_given_coordinates(self.point)
        return weights.float(), intercepts.float()

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction, float32 [K, r + 1]: one pass over the data."""
        basis, mean = self.objective.data.basis.float(), self.objective.data.mean.float()
        weights, intercepts = self._single
        turned = direction[:, :-1] @ basis
        shift = direction[:, -1] - turned @ mean
        by_weights, by_intercepts = torch.zeros_like(turned), torch.zeros_like(shift)
        for _, block in self.objective.blocks:
            features = block.float()
            p = torch.softmax(multiply(features, weights.T).add_(intercepts), dim=1)
            moved = multiply(features, turned.T).add_(shift)
            moved -= (p * moved).sum(dim=1, keepdim=True)
            moved *= p
            by_weights += multiply(moved.T, features)
            by_intercepts += moved.sum(dim=0)
        count = self.objective.blocks.shape[0]
        centered = (by_weights - by_intercepts[:, None] * mean) @ basis.T / count
        bent = centered + self.objective.strength * direction[:, :-1]
        return torch.cat([bent, by_intercepts[:, None] / count], dim=1)


def _gradient_norms(
    blocks: Blocks, targets: Tensor, weights: Tensor, intercepts: Tensor, lambdas: Sequence[float]
) -> list[float]:
    """Gradient norms of all solutions, computed anew from the given features: one pass per solution."""
    norms = []
    for w, b, strength in zip(weights, intercepts, lambdas, strict=True):
        by_weights, by_intercepts = torch.zeros_like(w), torch.zeros_like(b)
        for rows, block in blocks:
            features = block.double()
            p = torch.softmax(multiply(features, w.T).add_(b), dim=1)
            p[torch.arange(len(p), device=p.device), targets[rows]] -= 1
            by_weights += multiply(p.T, features)
            by_intercepts += p.sum(dim=0)
        gradient = by_weights / blocks.shape[0] + strength * w
        squares = gradient.square().sum() + (by_intercepts / blocks.shape[0]).square().sum()
        norms.append(float(squares.sqrt()))
    return norms
