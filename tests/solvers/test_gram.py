"""The path from inner products is the path from the features."""

import pytest
import torch

from loocbench.solvers import newton
from loocbench.solvers.gram import fit_gram_path
from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.logistic import fit_logistic_path
from tests.solvers.test_logistic import GRID, data
from tests.solvers.witness import assert_both_near_the_optimum, assert_same_classes, gradient_norm


def centered(n=40, d=90):
    x, y = data(n, d)
    return x.double() - x.double().mean(dim=0), y


@pytest.mark.parametrize(("n", "d"), [(40, 90), (90, 10)], ids=["N < D", "N > D"])
def test_solutions_and_predictions_are_those_from_the_features(n, d):
    x, y = centered(n, d)
    expected = fit_logistic_path(x, y, GRID, tolerance=1e-9)
    path = fit_gram_path(x @ x.T, y, GRID, tolerance=1e-9)
    for position, strength in enumerate(GRID):
        ours = path.coefficients[position].T @ x, path.intercepts[position]
        theirs = expected.weights[position], expected.intercepts[position]
        bound = assert_both_near_the_optimum(x, y, strength, ours, theirs, our_gradient=1e-9, their_gradient=1e-9)
        assert bound < 1e-4
    fresh = torch.randn(25, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(path.scores(fresh @ x.T), expected.scores(fresh), rtol=0, atol=1e-4)
    assert_same_classes(path.scores(fresh @ x.T), expected.scores(fresh), apart=2e-4)
    assert torch.equal(path.predict(fresh @ x.T), path.scores(fresh @ x.T).argmax(dim=2))


def test_the_certificate_is_the_norm_of_the_gradient_that_autograd_finds_on_the_features():
    x, y = centered()
    path = fit_gram_path(x @ x.T, y, GRID)
    for position, strength in enumerate(GRID):
        norm = gradient_norm(x, y, strength, path.coefficients[position].T @ x, path.intercepts[position])
        assert float(path.certificate[position]) == pytest.approx(norm, rel=1e-4, abs=1e-12)


def test_a_solution_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 1)
    x, y = centered()
    with pytest.raises(NotConvergedError, match="tolerance"):
        fit_gram_path(x @ x.T, y, [1e-6], tolerance=1e-9)


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_gram_path(torch.eye(4, dtype=torch.float64), torch.arange(4) % 2, grid)
