"""Newton's method for a regularised, convex objective: by Hessian-vector products, or directly where that is faster."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

MAX_ITERATIONS = 200  # Newton steps; three per strength are usual
MAX_CONJUGATE_GRADIENTS = 1000
# How exact values of the function are in float32 and in float64: as a share of them, or of 1 where they are smaller.
ROUNDING, _EXACT_ROUNDING = 1e-6, 1e-13
_HALVINGS = 40
_WORTHWHILE = 0.9  # of a gradient's norm, to which a step must lower it where the function shows only rounding
_DAMPING = 1e-9  # of the gradient's norm, beside the curvature by an intercept
_ENOUGH = 0.7  # of the tolerance, for the residual of the last direction: the rest is for what is not linear


class Local(Protocol):
    """A convex function at a point, evaluated lazily.

    Points, gradients and directions are [K, r + 1]: a row of weights and an intercept for each class, in r coordinates.
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
    def singular_point(self) -> Tensor:
        """The point in a basis in which the Hessian is nearly diagonal."""

    @property
    def diagonal(self) -> Tensor:
        """Approximate diagonal of the Hessian in that basis, float32, positive."""

    def precondition(self, residual: Tensor) -> Tensor:
        """Solve that approximation x = residual, in the residual's coordinates and precision."""

    def curvature(self, direction: Tensor) -> Tensor:
        """Product of the Hessian and a direction, in the direction's precision: float32, or where the function is
        evaluated in float64, float64."""


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


def minimise(rough: Objective, exact: Objective, here: Local, tolerance: float) -> Local:
    """Minimise a function from ``here`` until the norm of its gradient is at most ``tolerance``, with backtracking.

    rough, exact: the function, evaluated in float32 and in float64. ``here`` is ``rough``'s. Steps on the way are
    evaluated in float32, the one that should be the last in float64, as are steps for which float32 is too coarse.
    Returns the last point, evaluated in float64, even if it missed the tolerance: the caller looks.
    """
    by = rough
    for _ in range(MAX_ITERATIONS):
        norm = by.norm(here.gradient)
        there, after = None, by
        if norm > tolerance:
            direction, reaches = _newton_direction(here, by.norm, _ENOUGH * tolerance)
            after = exact if reaches else by
            there = _search_line(after, here, direction, _EXACT_ROUNDING if by is exact else ROUNDING)
            if there is None and by is exact:  # float32 sees little of the curvature where classes are nearly certain
                direction, _ = _newton_direction(here, by.norm, _ENOUGH * tolerance, torch.float64)
                there = _search_line(exact, here, direction, _EXACT_ROUNDING)
        elif by is exact:
            break
        if there is None and by is exact:
            break  # rounding leaves no descent
        if there is None:
            here, by = exact.at(here.point), exact
        else:
            here, by = there, after
    return here if by is exact else exact.at(here.point)


def _search_line(objective: Objective, here: Local, direction: Tensor, rounding: float) -> Local | None:
    """The function after the longest step that lowers it, or, where values differ by no more than rounding, its
    gradient (Hager and Zhang 2005); None where there is no such step, or where such a rounded one gains too little."""
    slope, norm = float((here.gradient * direction).sum()), objective.norm(here.gradient)
    rounded = rounding * max(1, abs(here.value))
    for halvings in range(_HALVINGS):
        step = 0.5**halvings
        there = objective.at(here.point + step * direction)
        if there.value <= here.value + 1e-4 * step * slope - rounded:
            return there
        if there.value <= here.value + rounded:
            return there if objective.norm(there.gradient) <= _WORTHWHILE * norm else None
    return None


def _newton_direction(
    here: Local, norm: Callable[[Tensor], float], enough: float, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, bool]:
    """Solve curvature x = -gradient to the accuracy that pays (Dembo and Steihaug 1983), by preconditioned conjugate
    gradients in ``dtype``: an inexact direction costs a Newton step at worst, never the result. A residual whose norm
    is ``enough`` is accurate enough in any case. Returns the direction, and whether its residual is that small.

    Weak regularisation takes many of them. Once they have taken as long as a direct solution would, that is computed,
    so that no step takes more than twice as long as the better of the two ways.
    """
    scale = float(here.gradient.norm())
    residual = (-here.gradient / scale).to(dtype)
    reached, accuracy = math.inf, max(min(0.1, scale**0.5) * norm(here.gradient), enough) / scale
    direction, search = torch.zeros_like(residual), torch.zeros_like(residual)
    before = residual.new_tensor(math.inf)
    patience = math.ceil(here.patience) if isinstance(here, WithHessian) else MAX_CONJUGATE_GRADIENTS
    for spent in range(MAX_CONJUGATE_GRADIENTS):
        reached = norm(residual)
        if reached <= accuracy:
            break
        if spent == patience and isinstance(here, WithHessian):
            exact = _solve_directly(here)
            if exact is not None:
                return exact, True
        scaled = here.precondition(residual)
        product = (residual * scaled).sum()
        search = scaled + (product / before) * search
        before = product
        bent = here.curvature(search)
        curvature = (search * bent).sum()
        if not float(curvature) > 0:  # by rounding
            break
        length = product / curvature
        direction += length * search
        residual -= length * bent
    return direction.double() * scale, reached * scale <= enough


def _solve_directly(here: WithHessian) -> Tensor | None:
    """Solve curvature x = -gradient by Cholesky's decomposition; None where rounding leaves no positive one.

    The intercept of a class without images has no finite optimum, and at last neither curvature nor gradient but
    rounding, whose ratio would be a step of any length: such steps are kept small by a share of the gradient's norm.
    """
    hessian, width = here.hessian(), here.point.shape[1]
    hessian.diagonal()[width - 1 :: width] += _DAMPING * here.gradient.norm()
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if int(failed):
        return None
    return -torch.cholesky_solve(here.gradient.reshape(-1, 1), factor).reshape(here.gradient.shape)
