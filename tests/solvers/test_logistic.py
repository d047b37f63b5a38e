"""The logistic path against scikit-learn at a tight tolerance, and the laws that its definition implies.

Its parts are covered here, too: loocbench.solvers.newton and loocbench.solvers.softmax.
"""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from loocbench.solvers import logistic, newton
from loocbench.solvers.logistic import fit_logistic_path
from tests.solvers.witness import assert_both_near_the_optimum, assert_same_classes, gradient_norm

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
        # Beside 1e-10 its L-BFGS stops where a step gains less than 64 epsilon of f, so f is within about 1e-13 of the
        # least; with curvatures L below 500 its gradient is at most (2 L 1e-13)^(1/2) = 1e-5.
        theirs = torch.from_numpy(witness.coef_), torch.from_numpy(witness.intercept_)
        ours = path.weights[position], path.intercepts[position]
        assert_both_near_the_optimum(x, y, strength, ours, theirs, our_gradient=1e-8, their_gradient=1e-5)
        assert (path.predict(x)[position].numpy() == witness.predict(x.numpy())).all()


def test_the_certificate_is_the_norm_of_the_gradient_that_autograd_finds():
    x, y = data()
    path = fit_logistic_path(x, y, GRID)
    for position, strength in enumerate(GRID):
        norm = gradient_norm(x, y, strength, path.weights[position], path.intercepts[position])
        assert float(path.certificate[position]) == pytest.approx(norm, rel=1e-6, abs=1e-12)
        assert norm <= 1e-5


def test_the_order_of_the_grid_changes_nothing(monkeypatch):
    """The strengths are walked in one order, so that a solution has the same start; what is left is rounding."""
    x, y = data()
    walked = []
    minimise = newton.minimise

    def watched(problem, start, tolerance):
        walked.append(problem.strength)
        return minimise(problem, start, tolerance)

    monkeypatch.setattr(newton, "minimise", watched)
    forwards, backwards = (fit_logistic_path(x, y, grid, tolerance=1e-9) for grid in (GRID, GRID[::-1]))
    assert walked == 2 * sorted(GRID, reverse=True)
    for position, strength in enumerate(GRID):
        one = forwards.weights[position], forwards.intercepts[position]
        other = backwards.weights[-1 - position], backwards.intercepts[-1 - position]
        bound = assert_both_near_the_optimum(x, y, strength, one, other, our_gradient=1e-9, their_gradient=1e-9)
        assert bound < 1e-4


def test_turning_the_feature_basis_and_permuting_rows_leaves_the_predictions():
    x, y = data()
    basis, _ = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(1)))
    rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))
    plain = fit_logistic_path(x, y, GRID).scores(x)
    # Scores were seen to differ by 2e-6: the turned features are rounded to float32.
    assert_same_classes(fit_logistic_path(x @ basis, y, GRID).scores(x @ basis), plain, apart=1e-3)
    assert_same_classes(fit_logistic_path(x[rows], y[rows], GRID).scores(x), plain, apart=1e-3)


def test_a_solution_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 2)
    with pytest.raises(logistic.NotConvergedError, match="tolerance"):
        fit_logistic_path(*data(), [1e-6], tolerance=1e-9)


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_logistic_path(*data(), grid)
