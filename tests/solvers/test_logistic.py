"""The logistic path against scikit-learn at a tight tolerance, and the laws that its definition implies.

Its parts are covered here, too: loocbench.solvers.newton and loocbench.solvers.softmax.
"""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from loocbench.solvers import newton
from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.logistic import fit_logistic_path
from loocbench.solvers.reduction import Reduction
from loocbench.solvers.softmax import Softmax, SoftmaxAt
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

    def watched(rough, exact, start, tolerance):
        walked.append(exact.strength)
        return minimise(rough, exact, start, tolerance)

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
    with pytest.raises(NotConvergedError, match="tolerance"):
        fit_logistic_path(*data(), [1e-6], tolerance=1e-9)


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_logistic_path(*data(), grid)


def weak_problem():
    """A regularisation so weak that conjugate gradients take hundreds of steps, and a point that is not the start."""
    x, y = data()
    reduction = Reduction.from_features(x.double())
    problem = Softmax(reduction, reduction.features.float(), y, 1e-9)
    generator = torch.Generator().manual_seed(1)
    return problem.at(torch.randn(4, len(reduction.moments) + 1, generator=generator, dtype=torch.float64))


def test_the_hessian_is_that_of_autograd_and_of_the_products():
    here = weak_problem()
    problem, shape = here.objective, here.point.shape

    def objective(flat):
        point = flat.reshape(shape)
        scores = problem.data.features @ point[:, :-1].T + point[:, -1]
        loss = torch.nn.functional.cross_entropy(scores, problem.targets)
        return loss + problem.strength / 2 * point[:, :-1].square().sum()

    found = here.hessian()
    together = torch.zeros(shape, dtype=torch.float64)
    together[:, -1] = 1  # the movement of all intercepts, which the objective does not see
    wanted = torch.autograd.functional.hessian(objective, here.point.flatten())
    wanted += torch.outer(together.flatten(), together.flatten()) / shape[0]
    assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-14)
    direction = here.gradient.float()
    product = (found @ direction.double().flatten()).reshape(shape)
    assert torch.allclose(here.curvature(direction), product.float(), rtol=1e-4, atol=1e-7)


def test_a_direction_that_takes_many_products_is_solved_for_directly(monkeypatch):
    here = weak_problem()
    products, curvature = [], type(here).curvature
    monkeypatch.setattr(type(here), "curvature", lambda at, way: products.append(at) or curvature(at, way))
    direction, reaches = newton._newton_direction(here, torch.linalg.norm, 0.0)
    assert reaches
    assert here.patience <= len(products) <= here.patience + 1
    bent = (here.hessian() @ direction.flatten()).reshape(direction.shape)
    assert float((bent + here.gradient).norm()) < 1e-7 * float(here.gradient.norm())


def test_where_rounding_leaves_no_decomposition_conjugate_gradients_go_on(monkeypatch):
    here = weak_problem()
    monkeypatch.setattr(type(here), "hessian", lambda at: -torch.eye(at.point.numel(), dtype=torch.float64))
    direction, reaches = newton._newton_direction(here, torch.linalg.norm, 0.0)
    assert not reaches
    bent = here.curvature(direction.float())
    assert float((bent + here.gradient).norm()) < 0.2 * float(here.gradient.norm())


def test_weakly_regularised_solutions_are_those_of_conjugate_gradients_alone(monkeypatch):
    x, y = data()
    ours = fit_logistic_path(x, y, [1e-6], tolerance=1e-9)
    monkeypatch.setattr(SoftmaxAt, "patience", float(newton.MAX_CONJUGATE_GRADIENTS))
    theirs = fit_logistic_path(x, y, [1e-6], tolerance=1e-9)
    sides = ((path.weights[0], path.intercepts[0]) for path in (ours, theirs))
    assert_both_near_the_optimum(x, y, 1e-6, *sides, our_gradient=1e-9, their_gradient=1e-9)
