"""The path from inner products is the path from the features."""

import pytest
import torch

from loocbench.solvers import newton
from loocbench.solvers.gram import fit_gram_path
from loocbench.solvers.logistic import NotConvergedError, fit_logistic_path
from tests.solvers.test_logistic import GRID, data


def centered(n=40, d=90):
    x, y = data(n, d)
    return x.double() - x.double().mean(dim=0), y


@pytest.mark.parametrize(("n", "d"), [(40, 90), (90, 10)], ids=["N < D", "N > D"])
def test_solutions_and_predictions_are_those_from_the_features(n, d):
    x, y = centered(n, d)
    expected = fit_logistic_path(x, y, GRID, tolerance=1e-9)
    path = fit_gram_path(x @ x.T, y, GRID, tolerance=1e-9)
    torch.testing.assert_close(path.coefficients.mT @ x, expected.weights, rtol=0, atol=1e-5)
    torch.testing.assert_close(path.intercepts, expected.intercepts, rtol=0, atol=1e-5)
    fresh = torch.randn(25, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(path.scores(fresh @ x.T), expected.scores(fresh), rtol=0, atol=1e-4)
    assert torch.equal(path.predict(fresh @ x.T), expected.predict(fresh))


def test_the_certificate_is_the_norm_of_the_gradient_that_autograd_finds_on_the_features():
    x, y = centered()
    path = fit_gram_path(x @ x.T, y, GRID)
    for position, strength in enumerate(GRID):
        w = (path.coefficients[position].T @ x).requires_grad_()
        b = path.intercepts[position].clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x @ w.T + b, y) + strength / 2 * w.square().sum()
        gradients = torch.autograd.grad(loss, (w, b))
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        torch.testing.assert_close(path.certificate[position], norm, rtol=1e-4, atol=1e-12)


def test_a_solution_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 1)
    x, y = centered()
    with pytest.raises(NotConvergedError, match="tolerance"):
        fit_gram_path(x @ x.T, y, [1e-6], tolerance=1e-9)


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_gram_path(torch.eye(4, dtype=torch.float64), torch.arange(4) % 2, grid)
