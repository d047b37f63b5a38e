"""Fewer coordinates for the same problem."""

import pytest
import torch

from loocbench.solvers.blocks import Blocks
from loocbench.solvers.reduction import Reduction


@pytest.mark.parametrize(("n", "d"), [(12, 40), (40, 12), (20, 20)])
@pytest.mark.parametrize("streamed", [False, True])
def test_coordinates_are_orthonormal_diagonal_and_lead_back(n, d, streamed):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 5
    data = Reduction.from_blocks(Blocks.from_tensor(x)) if streamed else Reduction.from_features(x)
    rank = min(n - 1, d)
    assert len(data.moments) == rank
    torch.testing.assert_close(data.basis @ data.basis.T, torch.eye(rank, dtype=torch.float64), rtol=0, atol=1e-10)
    reduced = data.reduce(x)
    torch.testing.assert_close(reduced @ data.basis + data.mean, x, rtol=0, atol=1e-10)
    torch.testing.assert_close(reduced.T @ reduced / n, torch.diag(data.moments), rtol=0, atol=1e-10)
    if not streamed:
        torch.testing.assert_close(data.features, reduced, rtol=0, atol=1e-10)
    point = torch.randn(3, rank + 1, dtype=torch.float64)
    weights, intercepts = data.to_given_coordinates(point)
    torch.testing.assert_close(x @ weights.T + intercepts, reduced @ point[:, :-1].T + point[:, -1], rtol=0, atol=1e-9)


def test_the_gram_matrix_of_a_concatenation_is_the_sum_of_its_parts():
    parts = [torch.randn(9, d, dtype=torch.float64) for d in (20, 30, 7)]
    whole = Reduction.from_features(torch.cat(parts, dim=1))
    gram = sum((part - part.mean(dim=0)) @ (part - part.mean(dim=0)).T for part in parts)
    torch.testing.assert_close(whole.features @ whole.features.T, gram, rtol=0, atol=1e-6)


def test_directions_that_are_rounding_are_dropped():
    x = torch.randn(30, 3, dtype=torch.float64) @ torch.randn(3, 10, dtype=torch.float64)
    assert len(Reduction.from_features(x).moments) == 3


@pytest.mark.parametrize("shape", [(4, 8), (8, 4), (4, 4), (1, 8)])
def test_constant_features_have_no_coordinates(shape):
    data = Reduction.from_features(torch.ones(shape, dtype=torch.float64))
    assert data.features.shape == (shape[0], 0)
    assert data.basis.shape == (0, shape[1])


def test_a_gram_matrix_alone_gives_the_same_coordinates():
    x = torch.randn(12, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 5
    centered = x - x.mean(dim=0)
    data, expected = Reduction.from_gram(centered @ centered.T), Reduction.from_features(x)
    torch.testing.assert_close(data.moments, expected.moments, rtol=0, atol=1e-10)
    torch.testing.assert_close(data.features @ data.features.T, centered @ centered.T, rtol=0, atol=1e-10)
    basis = (data.features / (12 * data.moments)).T @ centered
    torch.testing.assert_close(basis @ basis.T, torch.eye(11, dtype=torch.float64), rtol=0, atol=1e-10)


def test_coordinates_are_those_by_the_basis_however_small_the_smallest_direction():
    scale = torch.logspace(0, -6, 12, dtype=torch.float64)
    x = torch.randn(12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * scale
    data = Reduction.from_features(x)
    assert 1e-13 < data.moments[0] / data.moments[-1] < 1e-8
    torch.testing.assert_close(data.features, data.reduce(x), rtol=0, atol=1e-14)
