"""Choosing a strength on validation images: a grid that goes on beyond its edges as long as that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loocbench.solvers.grid import NotConvergedError

WEAKEST, STRONGEST = 1e-9, 1e3  # bounds of the search


@dataclass(frozen=True)
class Choice:
    """A choice on validation. strength: the chosen lambda; accuracy: its top-1 on val; curve: top-1 of every lambda.

    certificate: the largest gradient norm of all. at_bound: whether a strength beyond the last one might be better, but
    lies beyond the bounds of the search, or could not be solved to the tolerance.
    """

    strength: float
    accuracy: float
    curve: list[dict[str, float]]
    certificate: float
    at_bound: bool = False

    @property
    def chosen(self) -> dict[str, float]:
        """What a row records of it."""
        return {"lambda": self.strength, **({"lambda_at_bound": 1.0} if self.at_bound else {})}


Evaluate = Callable[[Sequence[float]], tuple[Sequence[float], float]]
"""strengths -> (validation top-1 of each, the largest gradient norm)."""


def search_strength(lambdas: Sequence[float], evaluate: Evaluate) -> Choice:
    """Evaluate a grid of strengths, and go on beyond its edge while validation gains; ties go to the strongest.

    The steps beyond an edge are those between the two strengths at it; a grid of one strength is taken as it is. Raises
    NotConvergedError if the grid itself cannot be solved.
    """
    grid = sorted(lambdas, reverse=True)
    accuracies, certificate = evaluate(grid)
    found = dict(zip(grid, map(float, accuracies), strict=True))
    at_bound = False
    while len(grid) > 1:
        best = _find_best(found)
        tried = sorted(found, reverse=True)
        if best == tried[-1]:
            following = _round(best * best / tried[-2])
        elif best == tried[0]:
            following = _round(best * best / tried[1])
        else:
            break
        if not WEAKEST <= following <= STRONGEST:
            at_bound = True
            break
        try:
            (accuracy,), norm = evaluate([following])
        except NotConvergedError:
            at_bound = True
            break
        found[following] = float(accuracy)
        certificate = max(certificate, norm)
        if found[following] <= found[best]:
            break
    best = _find_best(found)
    curve = [{"lambda": value, "val_top1": found[value]} for value in sorted(found, reverse=True)]
    return Choice(best, found[best], curve, certificate, at_bound)


def _round(strength: float) -> float:
    """Return a strength to 12 digits: steps of ten are not exact in binary."""
    return float(f"{strength:.12g}")


def _find_best(found: dict[float, float]) -> float:
    """Return the strongest of the best strengths."""
    return max(found, key=lambda strength: (found[strength], strength))
