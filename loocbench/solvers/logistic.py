"""Multinomial logistic regression over a whole grid of regularisation strengths, each solution certified.

Defined by its objective, whatever the solver:

    f(W, b) = mean_n cross_entropy(W x_n + b, y_n) + lambda / 2 ||W||^2        (the intercept b is free)

f is convex, and lambda-strongly convex in W. The certificate of a solution is the norm of f's gradient there. With b
at its best for W, the distance of W to the optimum is at most certificate / lambda.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from loocbench.solvers.grid import Solution, solve_grid
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax


class Coordinates(Protocol):
    """Of points [..., r + 1], in which r may be the given number D."""

    def reduce(self, features: Tensor) -> Tensor:
        """Float64 [N, D] in the given coordinates, in these: [N, r]."""

    def to_given_coordinates(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Weights [..., D] and intercepts [...] in the given coordinates, of points."""


@dataclass(frozen=True)
class LogisticPath:
    """Solutions for L strengths: points [L, K, r + 1] in the coordinates of ``data``.

    certificate: float64 [L], gradient norms.
    """

    lambdas: tuple[float, ...]
    points: Tensor
    data: Coordinates
    certificate: Tensor

    @classmethod
    def from_solutions(cls, lambdas: Sequence[float], found: Sequence[Solution], data: Coordinates) -> LogisticPath:
        """Put solutions, in the order of ``lambdas``, together."""
        points = torch.stack([one.point for one in found])
        return cls(tuple(lambdas), points, data, points.new_tensor([one.certificate for one in found]))

    @cached_property
    def _given(self) -> tuple[Tensor, Tensor]:
        """Weights and intercepts in the given coordinates."""
        return self.data.to_given_coordinates(self.points)

    @property
    def weights(self) -> Tensor:
        """Float64 [L, K, D]."""
        return self._given[0]

    @property
    def intercepts(self) -> Tensor:
        """Float64 [L, K]."""
        return self._given[1]

    @property
    def distance(self) -> Tensor:
        """Bound [L] on the distance of each W to the optimum, which strong convexity gives."""
        return self.certificate / self.certificate.new_tensor(self.lambdas)

    def scores(self, features: Tensor) -> Tensor:
        """Logits [L, N, K] of features [N, D]."""
        given = features.to(self.points)
        if self.points.shape[0] * self.points.shape[1] < self.points.shape[2]:  # fewer rows of weights than dimensions
            return torch.einsum("nd,lkd->lnk", given, self.weights) + self.intercepts[:, None]
        return torch.einsum("nr,lkr->lnk", self.data.reduce(given), self.points[..., :-1]) + self.points[:, None, :, -1]

    def predict(self, features: Tensor) -> Tensor:
        """Classes int64 [L, N] of features [N, D]."""
        return self.scores(features).argmax(dim=2)


def fit_logistic_path(
    X: Tensor,  # noqa: N803  # the name of a design matrix
    y: Tensor,
    lambdas: Sequence[float],
    *,
    tolerance: float = 1e-5,
) -> LogisticPath:
    """Fit a multinomial logistic regression for every lambda, certified in float64.

    X: features, float [N, D]. y: classes, int64 [N], values 0 .. K-1. lambdas: L strengths, each > 0, in any order.
    Raises NotConvergedError if a gradient norm exceeds ``tolerance``, ValueError for a lambda that is not positive.
    """
    data = Reduction.from_features(X.double())
    single = data.features.float()
    found = solve_grid(
        lambda strength, exact: Softmax(data, single, y, strength, exact),
        data.zeros(int(y.max()) + 1),
        lambdas,
        tolerance,
    )
    return LogisticPath.from_solutions(lambdas, found, data)
