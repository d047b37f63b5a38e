"""One convex problem for a grid of regularisation strengths: each solution is the start of the next.

Each is certified in float64, where it is evaluated once for most: steps on the way are taken in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.solvers import newton
from loocbench.solvers.newton import Local, Objective

_POINTS = 4  # that an extrapolation uses at most: it is cubic


class NotConvergedError(UserError):
    """A solution missed its tolerance and must not be used."""


@dataclass(frozen=True)
class Solution:
    """A point [K, r + 1] and its certificate, the norm of the gradient there, both in float64."""

    point: Tensor
    certificate: float


def solve_grid(
    objective: Callable[[float, bool], Objective],
    zero: Tensor,
    lambdas: Sequence[float],
    tolerance: float,
) -> list[Solution]:
    """Solve for all strengths, from strong to weak; returns the solutions in the order of ``lambdas``.

    objective: the problem of a strength, evaluated in float64 where its second argument is true, else in float32.
    zero: the point at which the strongest begins. A start does not change a solution beyond its tolerance. Raises
    NotConvergedError if a gradient norm exceeds ``tolerance``, ValueError for a lambda that is not positive.
    """
    if not lambdas or min(lambdas) <= 0:
        raise ValueError("every lambda must be positive")
    found: dict[float, Solution] = {}
    solved = _Solved()
    for strength in sorted(set(lambdas), reverse=True):
        rough, exact = objective(strength, False), objective(strength, True)
        start = solved.start(rough, strength) or rough.at(zero)
        here = newton.minimise(rough, exact, start, tolerance)
        found[strength] = Solution(here.point, exact.norm(here.gradient))
        require_converged(strength, found[strength].certificate, tolerance)
        solved.append(strength, here)
    return [found[strength] for strength in lambdas]


def require_converged(strength: float, norm: float, tolerance: float) -> None:
    """Raise NotConvergedError unless the gradient norm is within the tolerance."""
    if not norm <= tolerance:
        raise NotConvergedError(
            f"the probe at lambda {strength:g} ends with gradient norm {norm:.1e}, above its tolerance "
            f"{tolerance:.1e}, and cannot be used; check the scale of the features."
        )


class _Solved:
    """The solutions of stronger regularisation, from which the next one is extrapolated in log lambda."""

    def __init__(self) -> None:
        self.places: list[float] = []  # log lambda
        self.points: list[Tensor] = []
        self.singular: list[Tensor] = []  # the same, in the basis in which the Hessian is nearly diagonal
        self.last: Local | None = None

    def append(self, strength: float, here: Local) -> None:
        """Remember a solution, and as many before it as are needed to choose an extrapolation."""
        self.places = [*self.places[-_POINTS:], math.log(strength)]
        self.points = [*self.points[-_POINTS:], here.point]
        self.singular = [*self.singular[-_POINTS:], here.singular_point]
        self.last = here

    def start(self, problem: Objective, strength: float) -> Local | None:
        """Where to begin with the next strength; None for the first."""
        if self.last is None:
            return None
        start = problem.at(_extrapolate(self.places, self.points, math.log(strength), self._choose_count()))
        # The last solution's value here is known without another pass: only the penalty has changed.
        change = (strength - math.exp(self.places[-1])) / 2 * float(self.last.point[:, :-1].square().sum())
        staying = self.last.value + change
        worse = start.value > staying + newton.ROUNDING * max(1, abs(staying))
        return problem.at(self.last.point) if worse else start

    def _choose_count(self) -> int:
        """Of how many solutions to extrapolate: as many as would have predicted the last one best, by the gradient that
        the error has where the Hessian is nearly diagonal."""
        assert self.last is not None
        *before, actual = self.singular
        errors = {}
        for count in range(1, len(before) + 1):
            error = _extrapolate(self.places[:-1], before, self.places[-1], count) - actual
            errors[count] = float((self.last.diagonal * error).norm())
        return min(errors, key=errors.__getitem__, default=1)


def _extrapolate(places: Sequence[float], points: Sequence[Tensor], place: float, count: int) -> Tensor:
    """The polynomial through the last ``count`` of the points at their places, continued to another place."""
    places, points = places[-count:], points[-count:]
    ahead = torch.zeros_like(points[-1])
    for one, (there, point) in enumerate(zip(places, points, strict=True)):
        others = [other for number, other in enumerate(places) if number != one]
        ahead.add_(point, alpha=math.prod((place - other) / (there - other) for other in others))
    return ahead
