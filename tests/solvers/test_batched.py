"""Episodes solved together against scikit-learn one by one."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from loocbench.solvers import batched
from loocbench.solvers.batched import fit_logistic_batch
from loocbench.solvers.logistic import NotConvergedError, fit_logistic_path


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
        np.testing.assert_allclose(batch.weights[one].numpy(), witness.coef_, atol=1e-4)
        assert (batch.predict(x)[one].numpy() == witness.predict(x[one].numpy())).all()


def test_a_problem_does_not_depend_on_its_neighbours_and_is_the_paths():
    x, y = problems()
    whole = fit_logistic_batch(x, y, 0.01, tolerance=1e-9)
    alone = fit_logistic_batch(x[2:3], y[2:3], 0.01, tolerance=1e-9)
    torch.testing.assert_close(whole.weights[2:3], alone.weights, rtol=0, atol=1e-6)
    path = fit_logistic_path(x[2], y[2], [0.01], tolerance=1e-9)
    torch.testing.assert_close(whole.weights[2], path.weights[0], rtol=0, atol=1e-6)


def test_one_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(batched, "_MAX_ITERATIONS", 1)
    with pytest.raises(NotConvergedError, match="an episode ends with"):
        fit_logistic_batch(*problems(), 1e-6, tolerance=1e-9)
