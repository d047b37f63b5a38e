"""The logistic path against scikit-learn at a tight tolerance, and the laws that its definition implies."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from loocbench.solvers import logistic, newton
from loocbench.solvers.logistic import fit_logistic_path

GRID = [1e-4, 1e-2, 1.0]


def data(n=150, d=10, k=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % k
    centers = torch.randn(k, d, generator=generator)
    return centers[y] + torch.randn(n, d, generator=generator) * torch.logspace(0, -2, d) + 3.0, y


@pytest.mark.parametrize(("n", "d"), [(150, 10), (40, 90)], ids=["N > D", "N < D"])
def test_equals_scikit_learn_at_tolerance_1e_minus_10(n, d):
    x, y = data(n, d)
    path = fit_logistic_path(x, y, GRID, tolerance=1e-8)
    for position, strength in enumerate(GRID):
        witness = LogisticRegression(C=1 / (strength * n), tol=1e-10, max_iter=100_000).fit(
            x.double().numpy(), y.numpy()
        )
        np.testing.assert_allclose(path.weights[position].numpy(), witness.coef_, atol=1e-4)
        assert (path.predict(x)[position].numpy() == witness.predict(x.numpy())).all()


def test_the_certificate_is_the_norm_of_the_gradient_that_autograd_finds():
    x, y = data()
    path = fit_logistic_path(x, y, GRID)
    for position, strength in enumerate(GRID):
        w, b = path.weights[position].clone().requires_grad_(), path.intercepts[position].clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x.double() @ w.T + b, y) + strength / 2 * w.square().sum()
        gradients = torch.autograd.grad(loss, (w, b))
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        torch.testing.assert_close(path.certificate[position], norm, rtol=1e-6, atol=1e-12)
        assert norm <= 1e-5


def test_the_order_of_the_grid_changes_nothing():
    x, y = data()
    forwards, backwards = fit_logistic_path(x, y, GRID), fit_logistic_path(x, y, GRID[::-1])
    assert torch.equal(forwards.weights, backwards.weights.flip(0))


def test_turning_the_feature_basis_and_permuting_rows_leaves_the_predictions():
    x, y = data()
    basis, _ = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(1)))
    rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))
    plain = fit_logistic_path(x, y, GRID).predict(x)
    assert torch.equal(fit_logistic_path(x @ basis, y, GRID).predict(x @ basis), plain)
    assert torch.equal(fit_logistic_path(x[rows], y[rows], GRID).predict(x), plain)


def test_a_solution_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 2)
    with pytest.raises(logistic.NotConvergedError, match="tolerance"):
        fit_logistic_path(*data(), [1e-6], tolerance=1e-9)


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_logistic_path(*data(), grid)
