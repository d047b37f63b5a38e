"""Newton's method for a regularised, convex objective: by Hessian-vector products, or directly where that is faster."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

MAX_ITERATIONS = 200  # Newton steps; three per strength are usual
MAX_CONJUGATE_GRADIENTS = 1000
_HALVINGS = 40


class Local(Protocol):
    """A convex function at a point, evaluated lazily.

    Points, gradients and directions are [K, r + 1]: a row of weights and an intercept for each class.
    """

    @property
    def point(self) -> Tensor:
        """The point, float64."""

    @property
    def value(self) -> float:
        """The function."""

    @property
    def gradient(self) -> Tensor:
        """Its gradient, float64."""

    @property
    def diagonal(self) -> Tensor:
        """Approximate diagonal of the Hessian, float32, positive."""

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction, float32."""


@runtime_checkable
class WithHessian(Local, Protocol):
    """A convex function at a point whose Hessian can be formed."""

    @property
    def patience(self) -> float:
        """The number of Hessian-vector products that take as long as one direct solution."""

    def hessian(self) -> Tensor:
        """The Hessian, float64 [K (r + 1), K (r + 1)]."""


class Objective(Protocol):
    """A convex function."""

    def at(self, point: Tensor) -> Local:
        """The function at a point, float64."""

    def norm(self, gradient: Tensor) -> float:
        """Norm of a gradient in the coordinates in which it is certified."""


def minimise(objective: Objective, here: Local, tolerance: float) -> Local:
    """Minimise from ``here`` until the gradient norm is below ``tolerance``, with backtracking.

    Returns the last point, even if it missed the tolerance: the caller certifies it.
    """
    for _ in range(MAX_ITERATIONS):
        if objective.norm(here.gradient) < tolerance:
            break
        direction = _newton_direction(here)
        slope = float((here.gradient * direction).sum())
        for halvings in range(_HALVINGS):
            step = 0.5**halvings
            there = objective.at(here.point + step * direction)
            if there.value <= here.value + 1e-4 * step * slope + 1e-15 * abs(here.value):
                break
        else:
            break  # rounding leaves no descent
        here = there
    return here


def _newton_direction(here: Local) -> Tensor:
    """Solve curvature x = -gradient to the accuracy that pays (Dembo and Steihaug 1983), by preconditioned conjugate
    gradients in float32: an inexact direction costs a Newton step at worst, never the result.

    Weak regularisation takes many of them. Once they have taken as long as a direct solution would, that is computed,
    so that no step takes more than twice as long as the better of the two ways.
    """
    scale = float(here.gradient.norm())
    residual = (-here.gradient / scale).float()
    accuracy = min(0.1, scale**0.5)
    inverse = here.diagonal.reciprocal()
    direction = residual.new_zeros(residual.shape)
    search = scaled = residual * inverse
    product = (residual * scaled).sum()
    patience = math.ceil(here.patience) if isinstance(here, WithHessian) else MAX_CONJUGATE_GRADIENTS
    for spent in range(MAX_CONJUGATE_GRADIENTS):
        if float(residual.norm()) <= accuracy:
            break
        if spent == patience and isinstance(here, WithHessian):
            exact = _solve_directly(here)
            if exact is not None:
                return exact
        bent = here.curvature(search)
        length = product / (search * bent).sum()
        direction += length * search
        residual -= length * bent
        scaled = residual * inverse
        before, product = product, (residual * scaled).sum()
        search = scaled + (product / before) * search
    return direction.double() * scale


def _solve_directly(here: WithHessian) -> Tensor | None:
    """Solve curvature x = -gradient by Cholesky's decomposition; None where rounding leaves no positive one."""
    factor, failed = torch.linalg.cholesky_ex(here.hessian())
    if int(failed):
        return None
    return -torch.cholesky_solve(here.gradient.reshape(-1, 1), factor).reshape(here.gradient.shape)
