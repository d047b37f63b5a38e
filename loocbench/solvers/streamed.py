"""The logistic path on features that are read a block at a time: memory does not grow with the number of images.

The same problem, solver and certificate as in ``logistic``. The second moment D x D is gathered in one pass; after that
the data stay in their own coordinates and points are turned instead, and most probabilities are computed anew wherever
they are needed, since N x K of them need not fit either.
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

_KEPT_BYTES = 2**26  # of probabilities at one point; the points of three or four steps are alive at once


def fit_streamed_path(blocks: Blocks, y: Tensor, lambdas: Sequence[float], *, tolerance: float = 1e-5) -> LogisticPath:
    """``fit_logistic_path`` of blocks [N, D] and labels int64 [N]. Needs memory for D x D numbers, and one block.

    Raises NotConvergedError, and ValueError for a lambda that is not positive.
    """
    data = Reduction.from_blocks(blocks)
    found = solve_grid(
        lambda strength, exact: Streamed(blocks, data, y, strength, exact),
        data.zeros(int(y.max()) + 1),
        lambdas,
        tolerance,
    )
    return LogisticPath.from_solutions(lambdas, found, data)


@dataclass(frozen=True)
class Streamed:
    """mean cross-entropy + strength / 2 ||W||^2 of targets int64 [N] on ``blocks``, in the coordinates of ``data``.

    exact: whether it is evaluated in float64, or in float32, in half the time.
    """

    blocks: Blocks
    data: Reduction
    targets: Tensor
    strength: float
    exact: bool = True

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
    def _pass(self) -> tuple[float, Tensor, Tensor, list[Tensor]]:
        """Mean cross-entropy, its gradient [K, r + 1], and the classes' mean p (1 - p) [K]: one pass over the data.

        Also the first blocks' probabilities, as many as may be kept.
        """
        data, count = self.objective.data, self.objective.blocks.shape[0]
        dtype = torch.float64 if self.objective.exact else torch.float32
        basis, mean = data.basis if self.objective.exact else data.single_basis, data.mean.to(dtype)
        point = self.point.to(dtype)
        weights = multiply(point[:, :-1], basis)
        intercepts = point[:, -1] - weights @ mean
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
        centered = by_weights - by_intercepts[:, None] * mean
        gradient = torch.cat([multiply(centered, basis.T), by_intercepts[:, None]], dim=1).double()
        return float(loss / count), gradient / count, spread / count, kept

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

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction [K, r + 1], in the direction's precision: one pass over the data."""
        dtype, data = direction.dtype, self.objective.data
        single = dtype == torch.float32
        basis, mean = data.single_basis if single else data.basis, data.mean.to(dtype)
        kept = self._pass[3] if single else []
        turned = multiply(direction[:, :-1], basis)
        shift = direction[:, -1] - turned @ mean
        by_weights, by_intercepts = torch.zeros_like(turned), torch.zeros_like(shift)
        for number, (_, block) in enumerate(self.objective.blocks):
            features = block.to(dtype)
            if number < len(kept):
                p = kept[number]
            else:
                weights, intercepts = (each.to(dtype) for each in self._given)
                p = torch.softmax(multiply(features, weights.T).add_(intercepts), dim=1)
            moved = multiply(features, turned.T).add_(shift)
            moved -= (p * moved).sum(dim=1, keepdim=True)
            moved *= p
            by_weights += multiply(moved.T, features)
            by_intercepts += moved.sum(dim=0)
        count = self.objective.blocks.shape[0]
        centered = multiply(by_weights - by_intercepts[:, None] * mean, basis.T) / count
        bent = centered + self.objective.strength * direction[:, :-1]
        return torch.cat([bent, by_intercepts[:, None] / count], dim=1)

    @cached_property
    def _given(self) -> tuple[Tensor, Tensor]:
        """Weights and intercepts in the given coordinates."""
        return self.objective.data.to_given_coordinates(self.point)
