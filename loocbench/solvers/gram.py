"""The logistic path from a Gram matrix: where N < D, features matter only by their inner products.

The same problem and solver as in ``logistic``. The best weights are combinations of the centred features, so a solution
is N coefficients for each class. The Gram matrix of a concatenation is the sum of its parts': whoever tries many
concatenations computes one matrix for each part, and never touches D dimensions again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.grid import require_converged, solve_grid
from loocbench.solvers.products import multiply
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax

_MARGIN = 0.9  # of the tolerance, for what the decomposition rounds: the certificate is of the matrix as it was given


@dataclass(frozen=True)
class GramPath:
    """Solutions for L strengths. The weights of class k are coefficients[l, :, k] @ the centred features [N, D].

    coefficients: float64 [L, N, K]; intercepts: float64 [L, K], for centred features; certificate: float64 [L], norms
    of the gradient by the weights [K, D] and the intercepts [K].
    """

    lambdas: tuple[float, ...]
    coefficients: Tensor
    intercepts: Tensor
    certificate: Tensor

    def scores(self, cross: Tensor) -> Tensor:
        """Logits [L, M, K] of images whose inner products with the N centred features are ``cross`` [M, N]; they are
        centred by the N features' mean, too."""
        return torch.matmul(cross.to(self.coefficients), self.coefficients) + self.intercepts[:, None]

    def predict(self, cross: Tensor) -> Tensor:
        """Classes int64 [L, M]."""
        return self.scores(cross).argmax(dim=2)


def fit_gram_path(gram: Tensor, y: Tensor, lambdas: Sequence[float], *, tolerance: float = 1e-5) -> GramPath:
    """``fit_logistic_path`` of the centred features whose Gram matrix is ``gram``: float64 [N, N].

    y: int64 [N], values 0 .. K-1. Raises NotConvergedError, and ValueError for a lambda that is not positive.
    """
    data = Reduction.from_gram(gram)
    single = data.features.float()
    found = solve_grid(
        lambda strength, exact: Softmax(data, single, y, strength, exact),
        data.zeros(int(y.max()) + 1),
        lambdas,
        _MARGIN * tolerance,
    )
    points = torch.stack([one.point for one in found])
    coefficients = data.features / (data.moments * len(gram)) @ points[..., :-1].mT
    intercepts = points[..., -1]
    norms = [_gradient_norm(gram, y, *one) for one in zip(coefficients, intercepts, lambdas, strict=True)]
    for strength, norm in zip(lambdas, norms, strict=True):
        require_converged(strength, norm, tolerance)
    return GramPath(tuple(lambdas), coefficients, intercepts, points.new_tensor(norms))


def _gradient_norm(gram: Tensor, targets: Tensor, coefficients: Tensor, intercepts: Tensor, strength: float) -> float:
    """Of one solution, computed anew from the Gram matrix as it was given, and not from its decomposition.

    By the weights the gradient is G' X of the centred features X, with G = residual + strength coefficients, and its
    squared length is the trace of G' (X X') G. At the optimum G itself vanishes, so nothing cancels.
    """
    residual = F.softmax(multiply(gram, coefficients).add_(intercepts), dim=1)
    residual[torch.arange(len(targets), device=targets.device), targets] -= 1
    residual /= len(targets)
    combined = residual + strength * coefficients
    squared = (combined * multiply(gram, combined)).sum().clamp(min=0) + residual.sum(dim=0).square().sum()
    return float(squared.sqrt())
