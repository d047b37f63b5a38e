"""Multinomial logistic regression over a whole grid of regularisation strengths, each solution certified.

Defined by its objective, not by a solver's habits:

    f(W, b) = mean_n cross_entropy(W x_n + b, y_n) + lambda / 2 ||W||^2        (the intercept b is free)

f is convex, and lambda-strongly convex in W. The certificate of a solution is the norm of f's gradient there. With b
at its best for W, the distance of W to the optimum is at most certificate / lambda.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.errors import UserError
from loocbench.solvers import newton
from loocbench.solvers.newton import Objective
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax


class NotConvergedError(UserError):
    """A solution missed its tolerance; it is no result."""


@dataclass(frozen=True)
class LogisticPath:
    """Solutions for L strengths: weights float64 [L, K, D], intercepts [L, K], certificate [L] (gradient norms)."""

    lambdas: tuple[float, ...]
    weights: Tensor
    intercepts: Tensor
    certificate: Tensor

    @property
    def distance(self) -> Tensor:
        """Bound [L] on the distance of each W to the optimum, which strong convexity gives."""
        return self.certificate / torch.tensor(self.lambdas, dtype=torch.float64, device=self.certificate.device)

    def scores(self, features: Tensor) -> Tensor:
        """Logits [L, N, K] of features [N, D]."""
        return torch.einsum("nd,lkd->lnk", features.to(self.weights), self.weights) + self.intercepts[:, None]

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
    """Minimise f for every lambda (each > 0; the order does not matter).

    X: float [N, D]; y: int64 [N], values 0 .. K-1. Raises NotConvergedError if a gradient norm exceeds ``tolerance``,
    ValueError for a lambda that is not positive.
    """
    if not lambdas or min(lambdas) <= 0:
        raise ValueError("every lambda must be positive")
    features = X.double()
    data = Reduction.of(features)
    single = data.features.float()
    points = walk(lambda strength: Softmax(data, single, y, strength), data, int(y.max()) + 1, lambdas, tolerance)
    solutions = [data.back(points[strength]) for strength in lambdas]
    weights, intercepts = (torch.stack(parts) for parts in zip(*solutions, strict=True))
    norms = [
        _gradient_norm(features, y, w, b, strength) for w, b, strength in zip(weights, intercepts, lambdas, strict=True)
    ]
    require(lambdas, norms, tolerance)
    return LogisticPath(tuple(lambdas), weights, intercepts, weights.new_tensor(norms))


def walk(
    objective: Callable[[float], Objective], data: Reduction, classes: int, lambdas: Sequence[float], tolerance: float
) -> dict[float, Tensor]:
    """Solutions by strength, from strong to weak. Each starts where the line through the two before it leads, on the
    scale of log lambda, unless the last one is better already. What it starts from changes no solution: all are
    certified."""
    found: dict[float, Tensor] = {}
    last: list[tuple[float, Tensor]] = []
    for strength in sorted(set(lambdas), reverse=True):
        problem = objective(strength)
        point = last[-1][1] if last else data.mean.new_zeros(classes, len(data.moments) + 1)
        if len(last) == 2:
            (far, before), (near, after) = last
            ahead = after + (after - before) * (math.log(near / strength) / math.log(far / near))
            if problem.at(ahead).value < problem.at(point).value:
                point = ahead
        point = newton.minimise(problem, point, tolerance / 2)
        found[strength] = point
        last = [*last[-1:], (strength, point)]
    return found


def require(lambdas: Sequence[float], norms: Sequence[float], tolerance: float) -> None:
    """Raise NotConvergedError unless every gradient norm is within the tolerance."""
    for strength, norm in zip(lambdas, norms, strict=True):
        if not norm <= tolerance:
            raise NotConvergedError(
                f"the probe at lambda {strength:g} ends with gradient norm {norm:.1e}, above its tolerance "
                f"{tolerance:.1e}, and is no result; are the features of a sensible scale?"
            )


def _gradient_norm(features: Tensor, targets: Tensor, weights: Tensor, intercepts: Tensor, strength: float) -> float:
    """Of the objective on the features as they were given, computed anew."""
    residual = F.softmax(features @ weights.T + intercepts, dim=1)
    residual[torch.arange(len(targets), device=targets.device), targets] -= 1
    residual /= len(targets)
    by_weights = residual.T @ features + strength * weights
    return float(torch.sqrt(by_weights.square().sum() + residual.sum(dim=0).square().sum()))
