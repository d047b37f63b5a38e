"""Multinomial logistic regression over a whole grid of regularisation strengths, each solution certified.

Defined by its objective, not by a solver's habits:

    f(W, b) = mean_n cross_entropy(W x_n + b, y_n) + lambda / 2 ||W||^2        (the intercept b is free)

f is convex, and lambda-strongly convex in W. The certificate of a solution is the norm of f's gradient there. With b
at its best for W, the distance of W to the optimum is at most certificate / lambda.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.errors import UserError

MAX_ITERATIONS = 200  # Newton steps; ten are usual
MAX_CONJUGATE_GRADIENTS = 1000
DIRECT_SIZE = 1500  # unknowns up to which the whole Hessian is factorised


class NotConvergedError(UserError):
    """A solution missed its tolerance; it is no result."""


@dataclass(frozen=True)
class LogisticPath:
    """Solutions for L strengths: weights float64 [L, K, D], intercepts [L, K], certificate [L] (gradient norms)."""

    lambdas: tuple[float, ...]
    weights: Tensor
    intercepts: Tensor
    certificate: Tensor

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
    classes = int(y.max()) + 1
    # Exact changes of variables. Centring moves the mean into the free intercept; in the basis of the right singular
    # vectors the weights have no component outside the span of the data, so r = min(N, D) coordinates are enough.
    mean = features.mean(dim=0)
    _, _, basis = torch.linalg.svd(features - mean, full_matrices=False)
    reduced = (features - mean) @ basis.T
    problem = _Problem(reduced, y, basis @ mean, mean - basis.T @ (basis @ mean))

    found: dict[float, Tensor] = {}
    point = torch.zeros(classes, len(basis) + 1).to(reduced)
    for strength in sorted(set(lambdas), reverse=True):  # strong to weak: each solution starts the next
        point = problem.solve(strength, point, tolerance)
        found[strength] = point
    weights = torch.stack([found[strength][:, :-1] @ basis for strength in lambdas])
    intercepts = torch.stack([found[strength][:, -1] for strength in lambdas]) - weights @ mean
    norms = [
        _gradient_norm(features, y, w, b, strength) for w, b, strength in zip(weights, intercepts, lambdas, strict=True)
    ]
    for strength, norm in zip(lambdas, norms, strict=True):
        if not norm <= tolerance:
            raise NotConvergedError(
                f"the probe at lambda {strength:g} ends with gradient norm {norm:.1e}, above its tolerance "
                f"{tolerance:.1e}, and is no result; are the features of a sensible scale?"
            )
    return LogisticPath(tuple(lambdas), weights, intercepts, torch.tensor(norms, dtype=torch.float64))


@dataclass(frozen=True)
class _Problem:
    """f in the reduced coordinates.

    features [N, r], centred; mean_inside [r], mean_outside [D]: the mean's part in the span of the centred data, and
    the rest. Points, gradients and directions are [K, r + 1]: a row of weights and an intercept for each class.
    """

    features: Tensor
    targets: Tensor
    mean_inside: Tensor
    mean_outside: Tensor

    def solve(self, strength: float, point: Tensor, tolerance: float) -> Tensor:
        """Newton's method with backtracking from ``point``, until the gradient's norm is below half the tolerance.

        Returns the last point, whether or not it got there: the caller certifies it.
        """
        value, gradient, probabilities = self._at(strength, point)
        for _ in range(MAX_ITERATIONS):
            if self._norm(gradient) < tolerance / 2:
                break
            direct = point.numel() <= DIRECT_SIZE
            newton = self._direct if direct else self._conjugate_gradients
            direction = newton(strength, gradient, probabilities)
            slope = (gradient * direction).sum()
            for halvings in range(40):
                trial = point + direction * 0.5**halvings
                found = self._at(strength, trial)
                if found[0] <= value + 1e-4 * 0.5**halvings * slope + 1e-15 * value.abs():
                    break
            else:
                break  # rounding leaves no descent
            point, (value, gradient, probabilities) = trial, found
        return point

    def _at(self, strength: float, point: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f, its gradient [K, r + 1], and the class probabilities [N, K]."""
        weights = point[:, :-1]
        loss, residual = _loss_and_residual(self.features, self.targets, weights, point[:, -1])
        gradient = torch.cat([residual.T @ self.features + strength * weights, residual.sum(dim=0)[:, None]], dim=1)
        residual *= len(self.targets)
        residual[torch.arange(len(self.targets)), self.targets] += 1
        return loss + strength / 2 * weights.square().sum(), gradient, residual

    def _norm(self, gradient: Tensor) -> float:
        """The gradient's norm for uncentred features: by the chain rule that by W gains (that by b) x mean."""
        by_weights, by_intercepts = gradient[:, :-1], gradient[:, -1]
        inside = (by_weights + by_intercepts[:, None] * self.mean_inside).square().sum()
        return float((inside + by_intercepts.square().sum() * (1 + self.mean_outside.square().sum())).sqrt())

    def _direct(self, strength: float, gradient: Tensor, probabilities: Tensor) -> Tensor:
        """The Newton direction from the whole Hessian; block (k, l) is X' diag(p_k (delta_kl - p_l)) X / N."""
        count, classes = probabilities.shape
        design = torch.cat([self.features, torch.ones_like(self.features[:, :1])], dim=1)
        width = design.shape[1]
        hessian = torch.empty(classes, width, classes, width).to(design)
        for k in range(classes):
            for other in range(k, classes):
                weight = probabilities[:, k] * (float(k == other) - probabilities[:, other]) / count
                hessian[k, :, other] = hessian[other, :, k] = design.T @ (design * weight[:, None])
        flat = hessian.reshape(classes * width, classes * width)
        penalty = torch.full((classes, width), strength).to(design)
        penalty[:, -1] = strength * 1e-6  # equal shifts of all intercepts change nothing; the gradient has no such part
        flat.diagonal().add_(penalty.reshape(-1))
        return -torch.cholesky_solve(gradient.reshape(-1, 1), torch.linalg.cholesky(flat)).reshape(gradient.shape)

    def _conjugate_gradients(self, strength: float, gradient: Tensor, probabilities: Tensor) -> Tensor:
        """The Newton direction to the accuracy that pays (Dembo and Steihaug 1983), preconditioned by the diagonal."""
        count = len(probabilities)
        spread = probabilities * (1 - probabilities) / count
        diagonal = torch.cat([spread.T @ self.features.square() + strength, spread.sum(dim=0)[:, None]], dim=1)
        diagonal = diagonal.clamp(min=1e-12)

        def curvature(direction: Tensor) -> Tensor:
            moved = self.features @ direction[:, :-1].T + direction[:, -1]
            moved = probabilities * (moved - (probabilities * moved).sum(dim=1, keepdim=True)) / count
            return torch.cat([moved.T @ self.features + strength * direction[:, :-1], moved.sum(dim=0)[:, None]], dim=1)

        size = float(gradient.norm())
        accuracy = min(0.1, size**0.5) * size
        direction, residual = torch.zeros_like(gradient), -gradient
        scaled = residual / diagonal
        search, product = scaled, (residual * scaled).sum()
        for _ in range(MAX_CONJUGATE_GRADIENTS):
            if residual.norm() <= accuracy:
                break
            bent = curvature(search)
            length = product / (search * bent).sum()
            direction = direction + length * search
            residual = residual - length * bent
            scaled = residual / diagonal
            before, product = product, (residual * scaled).sum()
            search = scaled + (product / before) * search
        return direction


def _loss_and_residual(features: Tensor, targets: Tensor, weights: Tensor, intercepts: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy, and its gradient with respect to the logits [N, K]."""
    logs = F.log_softmax(features @ weights.T + intercepts, dim=1)
    residual = logs.exp()
    residual[torch.arange(len(targets)), targets] -= 1
    return F.nll_loss(logs, targets), residual / len(targets)


def _gradient_norm(features: Tensor, targets: Tensor, weights: Tensor, intercepts: Tensor, strength: float) -> float:
    _, residual = _loss_and_residual(features, targets, weights, intercepts)
    by_weights = residual.T @ features + strength * weights
    return float(torch.sqrt(by_weights.square().sum() + residual.sum(dim=0).square().sum()))
