"""Ridge regression over a whole grid of regularisation strengths at the cost of one, each solution certified.

    f(W, b) = 1/(2N) sum_n ||W x_n + b - t_n||^2 + lambda / 2 ||W||^2        (the intercept b is free)

In the singular basis of the centred data the second moment is diagonal, so a strength costs a division. Of labels, the
targets are one-hot rows: the instant linear probe. The certificate of a solution is the norm of f's gradient there,
computed anew from the data as they were given; f is lambda-strongly convex in W, so with b at its best for W, W is
within certificate / lambda of the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.blocks import Blocks
from loocbench.solvers.grid import require_converged
from loocbench.solvers.reduction import Reduction


@dataclass(frozen=True)
class RidgePath:
    """Solutions for L strengths, kept in the span of the data.

    products: float64 [T, r], the covariance of targets and data in ``data``'s coordinates. center: [T], the targets'
    mean. certificate: float64 [L], gradient norms.
    """

    lambdas: tuple[float, ...]
    products: Tensor
    center: Tensor
    data: Reduction
    certificate: Tensor

    @cached_property
    def points(self) -> Tensor:
        """Weights in ``data``'s coordinates, float64 [L, T, r]."""
        return torch.stack([_point(self.products, self.data, strength) for strength in self.lambdas])

    @cached_property
    def weights(self) -> Tensor:
        """Float64 [L, T, D]."""
        return self.points @ self.data.basis

    @cached_property
    def intercepts(self) -> Tensor:
        """Float64 [L, T]."""
        return self.center - self.points @ (self.data.basis @ self.data.mean)

    def scores(self, features: Tensor) -> Tensor:
        """Predicted targets float64 [L, N, T] of features [N, D]."""
        centered = features.to(self.products) - self.data.mean
        points, basis = self.points, self.data.basis
        if points.shape[0] * points.shape[1] < points.shape[2]:  # fewer rows of weights than dimensions
            return torch.einsum("nd,ltd->lnt", centered, self.weights) + self.center
        return torch.einsum("nr,ltr->lnt", centered @ basis.T, points) + self.center

    def predict(self, features: Tensor) -> Tensor:
        """Classes int64 [L, N] of features [N, D], where the targets were labels."""
        return self.scores(features).argmax(dim=2)


def fit_ridge_path(
    X: Tensor | Blocks,  # noqa: N803  # the name of a design matrix
    targets: Tensor,
    lambdas: Sequence[float],
    *,
    tolerance: float = 1e-5,
) -> RidgePath:
    """Minimise f for every lambda (each > 0; the order does not matter).

    X: float [N, D], or blocks of its rows. targets: float [N, T]; or labels int64 [N], values 0 .. K-1, which stand for
    one-hot rows, T = K. Memory: D x D numbers, a block of rows, and T x D for every strength. Raises NotConvergedError
    if a gradient norm exceeds ``tolerance``, ValueError for a lambda that is not positive.
    """
    if not lambdas or min(lambdas) <= 0:
        raise ValueError("every lambda must be positive")
    blocks = X if isinstance(X, Blocks) else Blocks.from_tensor(X)
    wanted = _Targets(targets)
    center = wanted.mean()
    if blocks.shape[0] <= blocks.shape[1]:  # N x D is no more than D x D: it fits wherever streaming would
        data, products = _by_gram(blocks.whole().double(), wanted, center)
        problem: _Rows | _Moments = _Rows.of(blocks, wanted, data.basis)
    else:
        data, products = _by_moment(blocks, wanted, center)
        problem = _Moments.of(blocks, wanted, data.basis)
    norms = []
    for strength in lambdas:
        point = _point(products, data, strength)
        norms.append(problem.gradient_norm(point, center - point @ (data.basis @ data.mean), strength))
        require_converged(strength, norms[-1], tolerance)
    return RidgePath(tuple(lambdas), products, center, data, products.new_tensor(norms))


@dataclass(frozen=True)
class _Targets:
    """Numbers [N, T], or labels [N] that stand for one-hot rows, which need not all be in memory."""

    given: Tensor

    def __getitem__(self, rows: slice) -> Tensor:
        """Float64 [len(rows), T]."""
        if self.given.is_floating_point():
            return self.given[rows].double()
        return F.one_hot(self.given[rows], self._classes).double()

    @cached_property
    def _classes(self) -> int:
        return int(self.given.max()) + 1

    def mean(self) -> Tensor:
        """Float64 [T]."""
        if self.given.is_floating_point():
            return self.given.double().mean(dim=0)
        return torch.bincount(self.given, minlength=self._classes).double() / len(self.given)


def _point(products: Tensor, data: Reduction, strength: float) -> Tensor:
    """The solution [T, r] in the data's coordinates: each is divided by its moment + lambda."""
    return products / (data.moments + strength)


def _by_gram(features: Tensor, wanted: _Targets, center: Tensor) -> tuple[Reduction, Tensor]:
    """The reduction by the N x N Gram matrix, and targets x data [T, r]."""
    data = Reduction.from_features(features)
    return data, (wanted[:] - center).T @ data.features / len(features)


def _by_moment(blocks: Blocks, wanted: _Targets, center: Tensor) -> tuple[Reduction, Tensor]:
    """The reduction by the D x D second moment, and targets x data [T, r]: three passes over the blocks."""
    data = Reduction.from_blocks(blocks)
    products = data.mean.new_zeros(len(center), len(data.mean))
    for rows, block in blocks:
        products.addmm_((wanted[rows] - center).T, block.double() - data.mean)
    return data, products @ data.basis.T / blocks.shape[0]


@dataclass(frozen=True)
class _Rows:
    """f on features float64 [N, D] and targets [N, T] as they were given, for weights in the span of ``basis`` [r, D].

    reduced: the features x the basis' rows, [N, r].
    """

    features: Tensor
    targets: Tensor
    basis: Tensor
    reduced: Tensor

    @classmethod
    def of(cls, blocks: Blocks, wanted: _Targets, basis: Tensor) -> _Rows:
        features = blocks.whole().double()
        return cls(features, wanted[:], basis, features @ basis.T)

    def gradient_norm(self, point: Tensor, intercepts: Tensor, strength: float) -> float:
        """At weights ``point`` [T, r] x basis and intercepts [T]."""
        residual = (torch.addmm(intercepts, self.reduced, point.T) - self.targets) / len(self.features)
        return _norm(residual.T @ self.features + strength * point @ self.basis, residual.sum(dim=0))


@dataclass(frozen=True)
class _Moments:
    """All that f's gradient depends on, of the data as they were given, not centred: the means over n of x x' [D, D],
    x [D], t x' [T, D] and t [T]. One pass, whatever the number of strengths. For weights in the span of ``basis``
    [r, D], of which ``turned`` is the product with the mean of x x'."""

    basis: Tensor
    turned: Tensor
    mean: Tensor
    products: Tensor
    center: Tensor

    @classmethod
    def of(cls, blocks: Blocks, wanted: _Targets, basis: Tensor) -> _Moments:
        count, dim = blocks.shape
        center = torch.zeros_like(wanted.mean())
        square, mean = center.new_zeros(dim, dim), center.new_zeros(dim)
        products = center.new_zeros(len(center), dim)
        for rows, block in blocks:
            features, targets = block.double(), wanted[rows]
            square.addmm_(features.T, features)
            products.addmm_(targets.T, features)
            mean += features.sum(dim=0)
            center += targets.sum(dim=0)
        return cls(basis, basis @ square / count, mean / count, products / count, center / count)

    def gradient_norm(self, point: Tensor, intercepts: Tensor, strength: float) -> float:
        """At weights ``point`` [T, r] x basis and intercepts [T]."""
        by_weights = point @ (self.turned + strength * self.basis) + intercepts[:, None] * self.mean - self.products
        return _norm(by_weights, point @ (self.basis @ self.mean) + intercepts - self.center)


def _norm(by_weights: Tensor, by_intercepts: Tensor) -> float:
    return float((by_weights.square().sum() + by_intercepts.square().sum()).sqrt())
