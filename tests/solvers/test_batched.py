"""Episodes solved together against scikit-learn one by one."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from loocbench.solvers import batched
from loocbench.solvers.batched import fit_logistic_batch
from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.logistic import fit_logistic_path
from tests.solvers.witness import assert_both_near_the_optimum


def problems(count=6, ways=3, shots=4, dim=20, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(ways).repeat_interleave(shots).expand(count, -1)
    centers = torch.randn(count, ways, dim, generator=generator)
    features = centers.gather(1, labels[..., None].expand(-1, -1, dim))
    return features + torch.randn(count, ways * shots, dim, generator=generator) + 2.0, labels


@pytest.mark.parametrize("strength", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("dim", [5, 60])
def test_each_problem_is_scikit_learns(strength, dim):
    x, y = problems(dim=dim)
    batch = fit_logistic_batch(x, y, strength, tolerance=1e-8)
    for one in range(len(x)):
        witness = LogisticRegression(C=1 / (strength * x.shape[1]), tol=1e-10, max_iter=100_000)
        witness.fit(x[one].double().numpy(), y[one].numpy())
        ours = batch.weights[one], batch.intercepts[one]
        theirs = torch.from_numpy(witness.coef_), torch.from_numpy(witness.intercept_)
        assert_both_near_the_optimum(x[one], y[one], strength, ours, theirs, our_gradient=1e-8, their_gradient=1e-5)
        assert (batch.predict(x)[one].numpy() == witness.predict(x[one].numpy())).all()


def test_many_classes_are_solved_one_by_one_to_the_same_certificate():
    x, y = problems(count=2, ways=25, shots=5)
    assert 24 * x.shape[1] > batched._MOST_UNKNOWNS
    batch = fit_logistic_batch(x, y, 0.01, tolerance=1e-8)
    assert batch.weights.shape == (2, 25, 20)
    assert batch.certificate.max() <= 1e-8
    for one in range(2):
        path = fit_logistic_path(x[one], y[one], [0.01], tolerance=1e-8)
        torch.testing.assert_close(batch.weights[one], path.weights[0])
        torch.testing.assert_close(batch.intercepts[one], path.intercepts[0])


def test_hessians_that_float32_cannot_factorise_are_factorised_in_float64():
    """Features in the hundreds with hardly any penalty: the eigenvalues of a Hessian span more than float32 holds."""
    x, y = problems()
    design, wanted = torch.cat([1e2 * x.double(), torch.ones_like(x[..., :1])], dim=2), F.one_hot(y).double()
    penalty, contrasts = torch.full((x.shape[2] + 1,), 1e-5).double(), batched._make_contrasts(3)
    p = (wanted + 0.01).softmax(dim=2)
    gradient = torch.randn(len(x), 2, x.shape[2] + 1, generator=torch.Generator().manual_seed(0)).double()
    _, failed = torch.linalg.cholesky_ex(batched._make_hessian(*(v.float() for v in (design, p, contrasts, penalty))))
    assert failed.any()
    direction = batched._newton_direction(design, p, contrasts, penalty, gradient, torch.float32)
    hessian = batched._make_hessian(design, p, contrasts, penalty)
    residual = (hessian @ direction.flatten(1)[..., None])[..., 0] + gradient.flatten(1)
    assert residual.norm() < 1e-6 * gradient.norm()


def test_the_hessian_is_the_derivative_of_the_gradient():
    """By automatic differentiation of the loss as it is written."""
    x, y = problems(count=1, dim=4)
    design, contrasts = torch.cat([x[0].double(), torch.ones(len(x[0]), 1)], dim=1), batched._make_contrasts(3)
    penalty = torch.tensor([0.1, 0.1, 0.1, 0.1, 0]).double()

    def loss(flat):
        point = flat.reshape(2, 5)
        return F.cross_entropy(design @ point.T @ contrasts.T, y[0]) + (penalty * point.square()).sum() / 2

    point = torch.randn(10, generator=torch.Generator().manual_seed(0)).double()
    p = (design @ point.reshape(2, 5).T @ contrasts.T).softmax(dim=1)
    ours = batched._make_hessian(design[None], p[None], contrasts, penalty)[0]
    torch.testing.assert_close(ours, torch.autograd.functional.hessian(loss, point))


def test_a_problem_does_not_depend_on_its_neighbours_and_is_the_paths():
    x, y = problems()
    whole = fit_logistic_batch(x, y, 0.01, tolerance=1e-9)
    alone = fit_logistic_batch(x[2:3], y[2:3], 0.01, tolerance=1e-9)
    path = fit_logistic_path(x[2], y[2], [0.01], tolerance=1e-9)
    ours = whole.weights[2], whole.intercepts[2]
    for found in (alone, path):
        theirs = found.weights[0], found.intercepts[0]
        bound = assert_both_near_the_optimum(x[2], y[2], 0.01, ours, theirs, our_gradient=1e-9, their_gradient=1e-9)
        assert bound <= 1e-6


def test_one_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(batched, "_MAX_ITERATIONS", 1)
    with pytest.raises(NotConvergedError, match="an episode ends with"):
        fit_logistic_batch(*problems(), 1e-6, tolerance=1e-9)
