"""The ridge path against scikit-learn, from memory and streamed, and the laws that its definition implies."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from loocbench.solvers import blocks as blocks_module
from loocbench.solvers import ridge
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.ridge import fit_ridge_path
from tests.solvers.witness import assert_same_classes

GRID = [1e-6, 1e-2, 100.0]
SHAPES = pytest.mark.parametrize(("n", "d"), [(150, 10), (40, 90)], ids=["N > D", "N < D"])


def data(n=150, d=10, t=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64) * torch.logspace(0, -2, d) + 3.0
    return x, x @ torch.randn(d, t, generator=generator, dtype=torch.float64) + 5 + torch.randn(
        n, t, generator=generator
    )


@SHAPES
def test_equals_scikit_learn(n, d):
    x, targets = data(n, d)
    path = fit_ridge_path(x, targets, GRID)
    for position, strength in enumerate(GRID):
        witness = Ridge(alpha=n * strength, solver="svd").fit(x.numpy(), targets.numpy())
        np.testing.assert_allclose(path.weights[position].numpy(), witness.coef_, rtol=0, atol=1e-8)
        np.testing.assert_allclose(path.intercepts[position].numpy(), witness.intercept_, rtol=0, atol=1e-8)
        np.testing.assert_allclose(path.scores(x)[position].numpy(), witness.predict(x.numpy()), rtol=0, atol=1e-8)


@SHAPES
def test_scores_by_weights_and_by_coordinates_are_the_same(n, d):
    """Few targets are scored by their weights, many in the coordinates of the data."""
    x, targets = data(n, d, t=60)
    many, few = fit_ridge_path(x, targets, GRID), fit_ridge_path(x, targets[:, :1], GRID)
    torch.testing.assert_close(few.scores(x), many.scores(x)[..., :1], rtol=0, atol=1e-9)


@SHAPES
def test_labels_stand_for_one_hot_rows(n, d):
    x, _ = data(n, d)
    labels = torch.arange(n) % 4
    path = fit_ridge_path(x, labels, GRID)
    expected = fit_ridge_path(x, torch.eye(4)[labels], GRID)
    torch.testing.assert_close(path.weights, expected.weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(path.intercepts, expected.intercepts, rtol=0, atol=1e-12)
    assert_same_classes(path.scores(x), expected.scores(x), apart=1e-9)
    assert torch.equal(path.predict(x), path.scores(x).argmax(dim=2))


@SHAPES
def test_streamed_equals_in_memory(monkeypatch, n, d):
    x, targets = data(n, d)
    expected = fit_ridge_path(x, targets, GRID)
    monkeypatch.setattr(blocks_module, "_BLOCK_BYTES", 4 * d * 16)  # 16 rows a block
    for given, wanted in ((targets, expected), (torch.arange(n) % 4, fit_ridge_path(x, torch.arange(n) % 4, GRID))):
        path = fit_ridge_path(Blocks.from_tensor(x), given, GRID)
        torch.testing.assert_close(path.weights, wanted.weights, rtol=0, atol=1e-9)
        torch.testing.assert_close(path.intercepts, wanted.intercepts, rtol=0, atol=1e-9)


def test_moment_and_gram_are_two_ways_to_one_solution():
    """Features twice side by side turn N > D into N < D; each copy has half of the weights, at twice the lambda."""
    x, targets = data(40, 30)
    single = fit_ridge_path(x, targets, GRID)
    double = fit_ridge_path(torch.cat([x, x], dim=1), targets, [2 * strength for strength in GRID])
    torch.testing.assert_close(double.weights[..., :30] * 2, single.weights, rtol=0, atol=1e-8)


@SHAPES
def test_the_certificate_is_the_norm_of_the_gradient_that_autograd_finds(monkeypatch, n, d):
    """At solutions that are wrong, where the norm is not rounding."""
    x, targets = data(n, d)
    exact = ridge._point
    monkeypatch.setattr(ridge, "_point", lambda *given: exact(*given) * 0.9)
    path = fit_ridge_path(x, targets, GRID, tolerance=100)
    for position, strength in enumerate(GRID):
        w, b = path.weights[position].clone().requires_grad_(), path.intercepts[position].clone().requires_grad_()
        loss = (x @ w.T + b - targets).square().sum() / (2 * n) + strength / 2 * w.square().sum()
        norm = torch.cat([gradient.flatten() for gradient in torch.autograd.grad(loss, (w, b))]).norm()
        assert norm > 1e-3
        torch.testing.assert_close(path.certificate[position], norm, rtol=1e-9, atol=0)
    with pytest.raises(NotConvergedError, match="tolerance"):
        fit_ridge_path(x, targets, GRID, tolerance=1e-5)


def test_the_order_of_the_grid_changes_nothing():
    x, targets = data()
    forwards, backwards = fit_ridge_path(x, targets, GRID), fit_ridge_path(x, targets, GRID[::-1])
    # The grid's rows take other places in one matrix product, which rounds them differently on some processors.
    torch.testing.assert_close(forwards.points, backwards.points.flip(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(forwards.weights, backwards.weights.flip(0), rtol=0, atol=1e-12)


@SHAPES
def test_turning_the_feature_basis_and_permuting_rows_leaves_the_predictions(n, d):
    x, targets = data(n, d)
    generator = torch.Generator().manual_seed(1)
    basis, _ = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
    rows = torch.randperm(n, generator=generator)
    plain = fit_ridge_path(x, targets, GRID).scores(x)
    torch.testing.assert_close(fit_ridge_path(x @ basis, targets, GRID).scores(x @ basis), plain, rtol=0, atol=1e-8)
    torch.testing.assert_close(fit_ridge_path(x[rows], targets[rows], GRID).scores(x), plain, rtol=0, atol=1e-8)


def test_features_that_are_all_the_same_predict_the_mean():
    _, targets = data()
    path = fit_ridge_path(torch.full((150, 10), 2.0), targets, GRID)
    torch.testing.assert_close(path.scores(torch.zeros(1, 10))[0, 0], targets.mean(dim=0))


@pytest.mark.parametrize("grid", [[], [0.0], [1.0, -1.0]])
def test_strengths_that_are_not_positive_are_refused(grid):
    with pytest.raises(ValueError, match="positive"):
        fit_ridge_path(*data(), grid)
