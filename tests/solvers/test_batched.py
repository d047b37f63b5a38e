"""Episodes solved together against scikit-learn one by one."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from loocbench.solvers import batched
from loocbench.solvers.batched import fit_logistic_batch
from loocbench.solvers.logistic import NotConvergedError, fit_logistic_path
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
