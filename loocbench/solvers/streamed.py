"""The logistic path on features that are read a block at a time: memory does not grow with the number of images.

The same problem, solver and certificate as in ``logistic``, but in the given coordinates, less the mean: turning the
data into the singular basis would take a copy of them. Only the preconditioner needs that basis, and turns residuals;
the second moment D x D has it, which is gathered in one pass. Most probabilities are computed anew wherever they are
needed, since N x K of them need not fit either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.blocks import Blocks
from loocbench.solvers.grid import solve_grid
from loocbench.solvers.logistic import LogisticPath
from loocbench.solvers.products import multiply
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import near_diagonal

_KEPT_BYTES = 2**26  # of probabilities at one point; the points of three or four steps are alive at once


def fit_streamed_path(blocks: Blocks, y: Tensor, lambdas: Sequence[float], *, tolerance: float = 1e-5) -> LogisticPath:
    """``fit_logistic_path`` of blocks [N, D] and labels int64 [N]. Needs memory for D x D numbers, and one block.

    Raises NotConvergedError, and ValueError for a lambda that is not positive.
    """
    singular = Reduction.from_blocks(blocks)
    data = Centered(singular.mean)
    found = solve_grid(
        lambda strength, exact: Streamed(blocks, data, singular, y, strength, exact),
        data.zeros(int(y.max()) + 1),
        lambdas,
        tolerance,
    )
    return LogisticPath.from_solutions(lambdas, found, data)


@dataclass(frozen=True)
class Centered:
    """The given coordinates, less the data's mean [D]. A point is [K, D + 1]."""

    mean: Tensor

    def zeros(self, classes: int) -> Tensor:
        """The point at which all weights and intercepts are zero, [K, D + 1]."""
        return self.mean.new_zeros(classes, len(self.mean) + 1)

    def norm(self, gradient: Tensor) -> float:
        """Norm of a gradient [K, D + 1] in the given coordinates: by the chain rule the gradient by W gains
        (gradient by b) x mean."""
        by_weights, by_intercepts = gradient[:, :-1], gradient[:, -1]
        squared = torch.addr(by_weights, by_intercepts, self.mean.to(gradient)).square().sum()
        return float((squared + by_intercepts.square().sum()).sqrt())

    def reduce(self, features: Tensor) -> Tensor:
        """Features [N, D] less the mean."""
        return features - self.mean

    def to_given_coordinates(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Weights [..., D] and intercepts [...] in the given coordinates, of points [..., D + 1]."""
        weights = points[..., :-1]
        return weights, points[..., -1] - weights @ self.mean.to(points)


@dataclass(frozen=True)
class Streamed:
    """mean cross-entropy + strength / 2 ||W||^2 of targets int64 [N] on ``blocks``, in the coordinates of ``data``.

    singular: the singular basis. exact: whether it is evaluated in float64, or in float32, in half the time.
    """

    blocks: Blocks
    data: Centered
    singular: Reduction
    targets: Tensor
    strength: float
    exact: bool = True

    def at(self, point: Tensor) -> StreamedAt:
        """The objective at a point [K, D + 1]."""
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
    def _pass(self) -> tuple[float, Tensor, Tensor, list[Tensor]]:
        """Mean cross-entropy, its gradient [K, D + 1], and the classes' mean p (1 - p) [K]: one pass over the data.

        Also the first blocks' probabilities, as many as may be kept.
        """
        data, count = self.objective.data, self.objective.blocks.shape[0]
        dtype = torch.float64 if self.objective.exact else torch.float32
        weights, intercepts = data.to_given_coordinates(self.point.to(dtype))
        loss, spread = self.point.new_zeros(()), torch.zeros_like(intercepts)
        by_weights, by_intercepts = torch.zeros_like(weights), torch.zeros_like(intercepts)
        kept: list[Tensor] = []
        space: Tensor | None = None  # one for all blocks: fresh memory costs as much as a part of a product
        for number, (rows, block) in enumerate(self.objective.blocks):
            features, targets = block, self.objective.targets[rows]
            if block.dtype != dtype:
                space = block.new_empty(block.shape, dtype=dtype) if space is None else space
                features = space[: len(block)].copy_(block)
            logs = F.log_softmax(multiply(features, weights.T).add_(intercepts), dim=1)
            loss -= logs.gather(1, targets[:, None]).double().sum()
            p = logs.exp()
            if 4 * (number + 1) * p.numel() <= _KEPT_BYTES:
                kept.append(p.float() if self.objective.exact else p.clone())
            spread += (p * (1 - p)).sum(dim=0)
            p[torch.arange(len(p), device=p.device), targets] -= 1
            by_weights += multiply(p.T, features)
            by_intercepts += p.sum(dim=0)
        by_weights -= by_intercepts[:, None] * data.mean.to(dtype)
        gradient = torch.cat([by_weights, by_intercepts[:, None]], dim=1).double()
        return float(loss / count), gradient / count, spread / count, kept

    @property
    def value(self) -> float:
        """Value of the objective."""
        return self._pass[0] + self.objective.strength / 2 * float(self.point[:, :-1].square().sum())

    @cached_property
    def gradient(self) -> Tensor:
        """[K, D + 1], float64."""
        gradient = self._pass[1].clone()
        gradient[:, :-1] += self.objective.strength * self.point[:, :-1]
        return gradient

    @cached_property
    def singular_point(self) -> Tensor:
        """The point in the singular basis, float32 [K, r + 1]."""
        return self._turn(self.point.float())

    @cached_property
    def diagonal(self) -> Tensor:
        """Approximate diagonal of the Hessian in the singular basis, float32 [K, r + 1]."""
        return near_diagonal(self._pass[2], self.objective.singular.moments, self.objective.strength)

    def precondition(self, residual: Tensor) -> Tensor:
        """Solve that approximation x = residual [K, D + 1]. Outside the data's span only the penalty has curvature."""
        turned, basis = self._turn(residual), self._basis(residual)
        solved = turned / self.diagonal
        within = multiply(solved[:, :-1], basis)
        if len(basis) < basis.shape[1]:
            # Taken out twice: what rounding leaves of the span, divided by a small strength, would make the solution
            # turn away from the residual.
            outside = residual[:, :-1] - multiply(turned[:, :-1], basis)
            outside -= multiply(multiply(outside, basis.T), basis)
            within += outside / self.objective.strength
        return torch.cat([within, solved[:, -1:]], dim=1)

    def _turn(self, point: Tensor) -> Tensor:
        """A point [K, D + 1] in the singular basis: [K, r + 1]."""
        return torch.cat([multiply(point[:, :-1], self._basis(point).T), point[:, -1:]], dim=1)

    def _basis(self, like: Tensor) -> Tensor:
        """The singular basis [r, D] in a tensor's precision."""
        singular = self.objective.singular
        return singular.single_basis if like.dtype == torch.float32 else singular.basis

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction [K, D + 1], in the direction's precision: one pass over the data."""
        dtype, data = direction.dtype, self.objective.data
        kept = self._pass[3] if dtype == torch.float32 else []
        along, shift = data.to_given_coordinates(direction)
        weights, intercepts = data.to_given_coordinates(self.point.to(dtype))
        by_weights, by_intercepts = torch.zeros_like(along), torch.zeros_like(shift)
        for number, (_, block) in enumerate(self.objective.blocks):
            features = block.to(dtype)
            if number < len(kept):
                p = kept[number]
            else:
                p = torch.softmax(multiply(features, weights.T).add_(intercepts), dim=1)
            moved = multiply(features, along.T).add_(shift)
            moved -= (p * moved).sum(dim=1, keepdim=True)
            moved *= p
            by_weights += multiply(moved.T, features)
            by_intercepts += moved.sum(dim=0)
        by_weights -= by_intercepts[:, None] * data.mean.to(dtype)
        bent = torch.cat([by_weights, by_intercepts[:, None]], dim=1) / self.objective.blocks.shape[0]
        bent[:, :-1].add_(direction[:, :-1], alpha=self.objective.strength)
        return bent
