"""Many small logistic regressions at once, each the same problem as in ``logistic``, each certified.

For episodes of few-shot classification: n examples of K classes with n far below D. Each is solved in the span of its
own examples, where (K - 1) n unknowns are few enough for the whole Hessian; where they are not, one by one as any other
problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.logistic import fit_logistic_path

_MAX_ITERATIONS, _HALVINGS = 100, 40
_MAX_FLOAT32 = 20  # iterations; ten are usual, and more mean that float32 is too coarse for the directions
_MOST_UNKNOWNS = 400  # of a Hessian that is factorised; with more the general solver is faster


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
    classes = int(labels.max()) + 1
    if (classes - 1) * features.shape[1] > _MOST_UNKNOWNS:
        return _fit_one_by_one(features, labels, strength, tolerance)
    given = features.double()
    mean = given.mean(dim=1, keepdim=True)
    centered = given - mean
    values, vectors = torch.linalg.eigh(centered @ centered.transpose(1, 2))
    roots = values.clamp(min=0).sqrt()
    reduced = vectors * roots[:, None]  # [E, n, n]; directions without extent have coordinates 0
    design = torch.cat([reduced, torch.ones_like(reduced[..., :1])], dim=2)
    wanted = F.one_hot(labels, classes).double()
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


def _fit_one_by_one(features: Tensor, labels: Tensor, strength: float, tolerance: float) -> LogisticBatch:
    paths = [
        fit_logistic_path(own, theirs, [strength], tolerance=tolerance)
        for own, theirs in zip(features, labels, strict=True)
    ]
    return LogisticBatch(
        torch.cat([path.weights for path in paths]),
        torch.cat([path.intercepts for path in paths]),
        torch.cat([path.certificate for path in paths]),
    )


def _minimise(design: Tensor, wanted: Tensor, strength: float, tolerance: float) -> Tensor:
    """Newton's method with backtracking in all problems at once: points [E, K, r + 1].

    At the minimum the weights of all classes sum to 0, and equal shifts of all intercepts change nothing; so the
    unknowns are K - 1 contrasts of the classes, between which the Hessian is not singular.
    """
    problems, count, width = design.shape
    contrasts = _make_contrasts(wanted.shape[2]).to(design)
    penalty = torch.full((width,), strength, dtype=design.dtype, device=design.device)
    penalty[-1] = 0
    point = design.new_zeros(problems, contrasts.shape[1], width)

    def logits(point: Tensor) -> Tensor:
        return design @ point.transpose(1, 2) @ contrasts.T

    def value(point: Tensor) -> Tensor:
        logs = F.log_softmax(logits(point), dim=2)
        return -(logs * wanted).sum(dim=(1, 2)) / count + (penalty * point.square()).sum(dim=(1, 2)) / 2

    current, precision = value(point), torch.float32
    for iteration in range(_MAX_ITERATIONS):
        p = torch.softmax(logits(point), dim=2)
        gradient = contrasts.T @ ((p - wanted).transpose(1, 2) @ design) / count + penalty * point
        if float(gradient.norm(dim=(1, 2)).max()) < tolerance:
            break
        if iteration == _MAX_FLOAT32:
            precision = torch.float64
        direction = _newton_direction(design, p, contrasts, penalty, gradient, precision)
        slope = (gradient * direction).sum(dim=(1, 2))
        step = torch.ones_like(slope)
        for _ in range(_HALVINGS):
            trial = value(point + step[:, None, None] * direction)
            bad = trial > current + 1e-4 * step * slope + 1e-15 * current.abs()
            if not bad.any():
                break
            step = torch.where(bad, step / 2, step)
        if bad.any():
            precision = torch.float64
        point = point + torch.where(bad, 0, step)[:, None, None] * direction
        current = value(point)
    return contrasts @ point


def _make_contrasts(classes: int) -> Tensor:
    """An orthonormal basis of the vectors that sum to 0: float64 [K, K - 1]."""
    centring = torch.eye(classes, dtype=torch.float64) - 1 / classes
    return torch.linalg.eigh(centring).eigenvectors[:, 1:]


def _newton_direction(
    design: Tensor, p: Tensor, contrasts: Tensor, penalty: Tensor, gradient: Tensor, precision: torch.dtype
) -> Tensor:
    """Minus the inverse of the Hessian times the gradient: [E, K - 1, r + 1].

    Factorised in ``precision``: float32 is twice as fast, and changes the steps and not where they end. Where a Hessian
    cannot be factorised in it, all are in float64.
    """
    hessian = _make_hessian(design.to(precision), p.to(precision), contrasts.to(precision), penalty.to(precision))
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if failed.any() and precision == torch.float32:
        return _newton_direction(design, p, contrasts, penalty, gradient, torch.float64)
    flat = gradient.reshape(len(gradient), -1, 1).to(precision)
    return -torch.cholesky_solve(flat, factor).reshape(gradient.shape).to(gradient)


def _make_hessian(design: Tensor, p: Tensor, contrasts: Tensor, penalty: Tensor) -> Tensor:
    """Hessians in the contrasts, [E, (K - 1) (r + 1), (K - 1) (r + 1)].

    Block (a, b) is X' diag(w_ab) X / n, where w_ab = sum_kl c_ka p_k (delta_kl - p_l) c_lb.
    """
    problems, count, width = design.shape
    among = torch.diag_embed(p) - p[..., :, None] * p[..., None, :]  # [E, n, K, K]
    among = contrasts.T @ among @ contrasts / count
    a, b = torch.tril_indices(among.shape[2], among.shape[2])  # of a symmetric matrix
    weighted = among[:, :, a, b].transpose(1, 2)[..., None] * design[:, None]  # [E, pairs, n, r + 1]
    blocks = (weighted.transpose(2, 3).flatten(1, 2) @ design).reshape(problems, len(a), width, width)
    hessian = design.new_empty(problems, among.shape[2], width, among.shape[2], width)
    hessian[:, a, :, b] = hessian[:, b, :, a] = blocks.transpose(0, 1)
    hessian = hessian.reshape(problems, among.shape[2] * width, -1)
    hessian.diagonal(dim1=1, dim2=2).add_(penalty.repeat(among.shape[2]))
    return hessian


def _gradient_norms(features: Tensor, wanted: Tensor, weights: Tensor, intercepts: Tensor, strength: float) -> Tensor:
    """Gradient norms [E], computed anew from the given features."""
    p = torch.softmax(features @ weights.transpose(1, 2) + intercepts[:, None], dim=2)
    residual = (p - wanted) / features.shape[1]
    by_weights = residual.transpose(1, 2) @ features + strength * weights
    return (by_weights.square().sum(dim=(1, 2)) + residual.sum(dim=1).square().sum(dim=1)).sqrt()
