"""Solutions of a grid start from those before them, and are certified in float64 wherever the way to them led."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from loocbench.solvers import grid
from loocbench.solvers.grid import NotConvergedError, solve_grid
from loocbench.solvers.logistic import fit_logistic_path
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax, SoftmaxAt
from tests.solvers.test_logistic import data
from tests.solvers.witness import gradient_norm

STRENGTHS = [float(value) for value in torch.logspace(0, -5, 21, dtype=torch.float64)]


@pytest.fixture
def evaluations(monkeypatch):
    """Whether each evaluation of the data was in float64, in order."""
    seen, logs = [], SoftmaxAt.__dict__["_logs"].func

    def watched(here):
        if "watched" not in here.__dict__:
            here.__dict__["watched"] = logs(here)
            seen.append(here.objective.exact)
        return here.__dict__["watched"]

    monkeypatch.setattr(SoftmaxAt, "_logs", property(watched))
    return seen


def test_most_strengths_are_evaluated_once_in_float64(evaluations):
    x, y = data(600, 40)
    x /= x.norm(dim=1).mean()
    path = fit_logistic_path(x, y, STRENGTHS)
    assert sum(evaluations) <= 1.2 * len(STRENGTHS)
    for position, strength in enumerate(STRENGTHS):
        norm = gradient_norm(x, y, strength, path.weights[position], path.intercepts[position])
        assert norm <= 1e-5
        assert float(path.certificate[position]) == pytest.approx(norm, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e3], ids=["of unit size", "a thousand times as long"])
def test_tolerances_below_the_rounding_of_float32_are_reached_in_float64(evaluations, scale):
    """At a gradient norm of 1e-10 float32 shows nothing, of large features long before."""
    x, y = data()
    strengths = [scale**2 * strength for strength in (1e-1, 1e-3)]  # the same problem in other units
    path = fit_logistic_path(scale * x, y, strengths, tolerance=1e-10 * scale)
    assert float(path.certificate.max()) <= 1e-10 * scale
    assert len(evaluations) < 60
    assert set(evaluations) == {True, False}


def test_float32_that_gains_nothing_hands_over_to_float64(monkeypatch, evaluations):
    """As where features are so large that every evaluation in float32 is noise."""
    gradient = SoftmaxAt.__dict__["gradient"].func
    noise = torch.Generator().manual_seed(0)

    def noisy(here):
        exact = gradient(here)
        return exact if here.objective.exact else exact + torch.randn(exact.shape, generator=noise) / 10

    monkeypatch.setattr(SoftmaxAt, "gradient", property(noisy))
    x, y = data()
    path = fit_logistic_path(x, y, [1e-1, 1e-2, 1e-3])
    assert float(path.certificate.max()) <= 1e-5
    assert len(evaluations) < 100


def test_a_problem_whose_loss_is_tiny_takes_no_endless_backtracking(evaluations):
    """Weakly regularised, separable data: float32's rounding is that of the logits, and not a share of the loss."""
    x, y = data(255, 512, 26)
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    strengths = [10.0**-power for power in range(7)]
    path = fit_logistic_path(x, y, strengths, tolerance=1e-7)
    assert float(path.certificate.max()) <= 1e-7
    assert len(evaluations) < 60


@pytest.mark.parametrize(
    ("dims", "classes", "seed"),
    [(100, 5, 4), (100, 5, 9), (30, 5, 28), (100, 3, 26)],
    ids=["certain", "more so", "fewer dimensions", "a class without images"],
)
def test_where_float32_sees_no_curvature_float64_finds_the_way(dims, classes, seed):
    """Five images: probabilities become one but for a millionth, in which float32 has no digits left."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, classes, (5,), generator=generator)
    y[0] = classes - 1
    x = torch.randn(5, dims, generator=generator, dtype=torch.float64)
    x += 3 * torch.randn(classes, dims, generator=generator, dtype=torch.float64)[y]
    path = fit_logistic_path(x, y, [10.0**-power for power in range(7)], tolerance=1e-9)
    for position, strength in enumerate(path.lambdas):
        assert gradient_norm(x, y, strength, path.weights[position], path.intercepts[position]) <= 1.01e-9


@dataclass
class Solved(grid._Solved):
    """Solutions whose Hessian's diagonal is one."""

    def __init__(self, places, points):
        self.places, self.points = [math.log(place) for place in places], points
        self.singular = points
        self.last = Unit()


@dataclass
class Unit:
    diagonal = torch.ones(2, 3)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_polynomials_in_the_logarithm_are_continued_exactly(degree):
    places = [1.0, 0.5, 0.1, 0.07, 0.01]
    coefficients = torch.randn(degree + 1, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def at(place):
        return sum(part * math.log(place) ** power for power, part in enumerate(coefficients))

    solved = Solved(places, [at(place) for place in places])
    count = solved._choose_count()
    assert degree + 1 <= count <= 4
    found = grid._extrapolate(solved.places, solved.points, math.log(0.004), count)
    torch.testing.assert_close(found, at(0.004), rtol=0, atol=1e-9)


def test_where_extrapolation_predicts_badly_the_last_solution_is_the_start():
    generator = torch.Generator().manual_seed(0)
    points = [torch.randn(2, 3, dtype=torch.float64, generator=generator) for _ in range(4)] * 2
    solved = Solved([1.0, 0.9, 0.8, 0.7, 0.6], [*points[:4], points[3] + 1e-3])
    assert solved._choose_count() == 1


def test_a_start_that_is_worse_than_the_last_solution_is_not_taken():
    x, y = data()
    reduction = Reduction.from_features(x.double())
    problem = Softmax(reduction, reduction.features.float(), y, 0.1, exact=False)
    solved, zero = grid._Solved(), reduction.zeros(4)
    solved.append(1.0, replace(problem, strength=1.0, exact=True).at(zero))
    solved.append(0.3, replace(problem, strength=0.3, exact=True).at(zero))
    assert torch.equal(solved.start(problem, 0.1).point, zero)
    far = zero + 100
    far[:, 0] -= 300  # so that extrapolation leads away from it
    solved.points[0] = far
    solved._choose_count = lambda: 2
    assert torch.equal(solved.start(problem, 0.1).point, zero)


@pytest.mark.parametrize("grid_of", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid_of):
    with pytest.raises(ValueError, match="positive"):
        solve_grid(lambda strength, exact: None, torch.zeros(2, 3), grid_of, 1e-5)


def test_a_solution_above_its_tolerance_is_an_error():
    with pytest.raises(NotConvergedError, match="ends with gradient norm 2"):
        grid.require_converged(0.1, 2e-5, 1e-5)
    with pytest.raises(NotConvergedError):
        grid.require_converged(0.1, math.nan, 1e-5)
