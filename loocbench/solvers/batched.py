"""Many small logistic regressions at once, each the same problem as in ``logistic``, each certified.

For episodes of few-shot classification: n examples of K classes with n far below D. Each is solved in the span of its
own examples, where K n unknowns are few enough for the whole Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.logistic import NotConvergedError

_MAX_ITERATIONS, _HALVINGS = 100, 40


@dataclass(frozen=True)
class LogisticBatch:
    """weights float64 [E, K, D], intercepts [E, K], certificate [E]: gradient norms."""

    weights: Tensor
    intercepts: Tensor
    certificate: Tensor

    def predict(self, features: Tensor) -> Tensor:
        """Classes int64 [E, Q] of each problem's features [E, Q, D]."""
        scores = features.to(self.weights) @ self.weights.transpose(1, 2) + self.intercepts[:, None]
        return scores.argmax(dim=2)


def fit_logistic_batch(features: Tensor, labels: Tensor, strength: float, *, tolerance: float = 1e-5) -> LogisticBatch:
    """Minimise mean cross-entropy + strength / 2 ||W||^2 of E problems, the intercepts free.

    features: float [E, n, D]; labels: int64 [E, n], values 0 .. K-1, the same K in all. Raises NotConvergedError.
    """
    given = features.double()
    mean = given.mean(dim=1, keepdim=True)
    centered = given - mean
    values, vectors = torch.linalg.eigh(centered @ centered.transpose(1, 2))
    roots = values.clamp(min=0).sqrt()
    reduced = vectors * roots[:, None]  # [E, n, n]; directions without extent have coordinates 0
    design = torch.cat([reduced, torch.ones_like(reduced[..., :1])], dim=2)
    wanted = F.one_hot(labels, int(labels.max()) + 1).double()
    point = _minimise(design, wanted, strength, tolerance / (2 * float(1 + mean.norm(dim=2).max())))
    inverse = torch.where(roots > 1e-7 * roots[:, -1:], 1 / roots, 0)
    weights = point[..., :-1] @ (vectors * inverse[:, None]).transpose(1, 2) @ centered
    intercepts = point[..., -1] - (weights @ mean.transpose(1, 2))[..., 0]
    certificate = _gradient_norms(given, wanted, weights, intercepts, strength)
    if not (certificate <= tolerance).all():
        raise NotConvergedError(
            f"an episode ends with gradient norm {float(certificate.max()):.1e}, above its tolerance {tolerance:.1e}, "
            "and cannot be used; check the scale of the features."
        )
    return LogisticBatch(weights, intercepts, certificate)


def _minimise(design: Tensor, wanted: Tensor, strength: float, tolerance: float) -> Tensor:
    """Newton's method with backtracking in all problems at once: points [E, K, r + 1]."""
    problems, count, width = design.shape
    classes = wanted.shape[2]
    penalty = torch.full((width,), strength, dtype=design.dtype, device=design.device)
    penalty[-1] = 0
    point = design.new_zeros(problems, classes, width)

    def value(point: Tensor) -> Tensor:
        logs = F.log_softmax(design @ point.transpose(1, 2), dim=2)
        return -(logs * wanted).sum(dim=(1, 2)) / count + (penalty * point.square()).sum(dim=(1, 2)) / 2

    current = value(point)
    for _ in range(_MAX_ITERATIONS):
        p = torch.softmax(design @ point.transpose(1, 2), dim=2)
        gradient = (p - wanted).transpose(1, 2) @ design / count + penalty * point
        if float(gradient.norm(dim=(1, 2)).max()) < tolerance:
            break
        # Block (k, l) of the Hessian is X' diag(p_k (delta_kl - p_l)) X / n.
        pairs = torch.diag_embed(p) - p[..., :, None] * p[..., None, :]  # [E, n, K, K]
        hessian = torch.einsum("enkl,eni,enj->ekilj", pairs, design, design).div_(count)
        hessian = hessian.reshape(problems, classes * width, classes * width)
        # Equal shifts of all intercepts change nothing; the gradient has no such part.
        damping = torch.where(penalty > 0, penalty, strength * 1e-6).repeat(classes)
        hessian.diagonal(dim1=1, dim2=2).add_(damping)
        factor = torch.linalg.cholesky(hessian)
        direction = -torch.cholesky_solve(gradient.reshape(problems, -1, 1), factor).reshape(point.shape)
        slope = (gradient * direction).sum(dim=(1, 2))
        step = torch.ones_like(slope)
        for _ in range(_HALVINGS):
            trial = value(point + step[:, None, None] * direction)
            bad = trial > current + 1e-4 * step * slope + 1e-15 * current.abs()
            if not bad.any():
                break
            step = torch.where(bad, step / 2, step)
        point = point + torch.where(bad, 0, step)[:, None, None] * direction
        current = value(point)
    return point


def _gradient_norms(features: Tensor, wanted: Tensor, weights: Tensor, intercepts: Tensor, strength: float) -> Tensor:
    """Gradient norms [E], computed anew from the given features."""
    p = torch.softmax(features @ weights.transpose(1, 2) + intercepts[:, None], dim=2)
    residual = (p - wanted) / features.shape[1]
    by_weights = residual.transpose(1, 2) @ features + strength * weights
    return (by_weights.square().sum(dim=(1, 2)) + residual.sum(dim=1).square().sum(dim=1)).sqrt()
