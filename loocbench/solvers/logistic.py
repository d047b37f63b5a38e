"""Multinomial logistic regression over a whole grid of regularisation strengths, each solution certified.

Defined by its objective, whatever the solver:

    f(W, b) = mean_n cross_entropy(W x_n + b, y_n) + lambda / 2 ||W||^2        (the intercept b is free)

f is convex, and lambda-strongly convex in W. The certificate of a solution is the norm of f's gradient there. With b
at its best for W, the distance of W to the optimum is at most certificate / lambda.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.errors import UserError
from loocbench.solvers import newton
from loocbench.solvers.newton import Local, Objective
from loocbench.solvers.products import multiply
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax


class NotConvergedError(UserError):
    """A solution missed its tolerance and must not be used."""


@dataclass(frozen=True)
class LogisticPath:
    """Solutions for L strengths, kept in the span of the data: points [L, K, r + 1] in ``data``'s coordinates.

    certificate: float64 [L], gradient norms.
    """

    lambdas: tuple[float, ...]
    points: Tensor
    data: Reduction
    certificate: Tensor

    @cached_property
    def weights(self) -> Tensor:
        """Float64 [L, K, D]."""
        return self.points[..., :-1] @ self.data.basis

    @cached_property
    def intercepts(self) -> Tensor:
        """Float64 [L, K]."""
        return self.points[..., -1] - self.points[..., :-1] @ (self.data.basis @ self.data.mean)

    @property
    def distance(self) -> Tensor:
        """Bound [L] on the distance of each W to the optimum, which strong convexity gives."""
        return self.certificate / self.certificate.new_tensor(self.lambdas)

    def scores(self, features: Tensor) -> Tensor:
        """Logits [L, N, K] of features [N, D]."""
        given = features.to(self.points)
        if self.points.shape[0] * self.points.shape[1] < self.points.shape[2]:  # fewer rows of weights than dimensions
            return torch.einsum("nd,lkd->lnk", given, self.weights) + self.intercepts[:, None]
        reduced = (given - self.data.mean) @ self.data.basis.T
        return torch.einsum("nr,lkr->lnk", reduced, self.points[..., :-1]) + self.points[:, None, :, -1]

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
    """Fit a multinomial logistic regression for every lambda, in float64.

    X: features, float [N, D]. y: classes, int64 [N], values 0 .. K-1. lambdas: L strengths, each > 0, in any order.
    Raises NotConvergedError if a gradient norm exceeds ``tolerance``, ValueError for a lambda that is not positive.
    """
    if not lambdas or min(lambdas) <= 0:
        raise ValueError("every lambda must be positive")
    features = X.double()
    data = Reduction.from_features(features)
    single = data.features.float()
    found = solve_grid(lambda strength: Softmax(data, single, y, strength), data, int(y.max()) + 1, lambdas, tolerance)
    points = torch.stack([found[strength] for strength in lambdas])
    norms = _gradient_norms(features, data, y, points, lambdas)
    require_converged(lambdas, norms, tolerance)
    return LogisticPath(tuple(lambdas), points, data, points.new_tensor(norms))


def solve_grid(
    objective: Callable[[float], Objective], data: Reduction, classes: int, lambdas: Sequence[float], tolerance: float
) -> dict[float, Tensor]:
    """Solve for all strengths, from strong to weak; returns the points by strength.

    Each starts from the linear extrapolation of the two before it in log lambda, unless the last solution has a lower
    objective. The start does not change a solution beyond its tolerance: all are certified.
    """
    found: dict[float, Tensor] = {}
    before: tuple[float, Tensor] | None = None
    last: tuple[float, Local] | None = None
    for strength in sorted(set(lambdas), reverse=True):
        problem, start = objective(strength), None
        if last and before:
            (far, first), (near, second) = before, last
            ahead = second.point + (second.point - first) * (math.log(near / strength) / math.log(far / near))
            start = problem.at(ahead)
            # The last solution's value here is known without another pass: only the penalty has changed.
            if start.value > second.value + (strength - near) / 2 * float(second.point[:, :-1].square().sum()):
                start = None
        if start is None:
            start = problem.at(last[1].point if last else data.mean.new_zeros(classes, len(data.moments) + 1))
        here = newton.minimise(problem, start, tolerance / 2)
        found[strength] = here.point
        before, last = (last[0], last[1].point) if last else None, (strength, here)
    return found


def require_converged(lambdas: Sequence[float], norms: Sequence[float], tolerance: float) -> None:
    """Raise NotConvergedError unless every gradient norm is within the tolerance."""
    for strength, norm in zip(lambdas, norms, strict=True):
        if not norm <= tolerance:
            raise NotConvergedError(
                f"the probe at lambda {strength:g} ends with gradient norm {norm:.1e}, above its tolerance "
                f"{tolerance:.1e}, and cannot be used; check the scale of the features."
            )


def _gradient_norms(
    features: Tensor, data: Reduction, targets: Tensor, points: Tensor, lambdas: Sequence[float]
) -> list[float]:
    """Gradient norms of all solutions, computed anew from the given features.

    Logits and gradients pass through the basis, whose rows are orthonormal, so lengths are those in the given
    coordinates; what of the features lies outside the basis is their mean's part, which ``norm`` adds.
    """
    reduced = (features - data.mean) @ data.basis.T
    norms = []
    for point, strength in zip(points, lambdas, strict=True):
        residual = F.softmax(multiply(reduced, point[:, :-1].T).add_(point[:, -1]), dim=1)
        residual[torch.arange(len(targets), device=targets.device), targets] -= 1
        residual /= len(targets)
        by_weights = multiply(residual.T, reduced) + strength * point[:, :-1]
        norms.append(data.norm(torch.cat([by_weights, residual.sum(dim=0)[:, None]], dim=1)))
    return norms
