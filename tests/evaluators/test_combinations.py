"""Choosing from inner products is choosing from the features."""

import pytest
import torch

from loocbench.errors import UserError
from loocbench.evaluators import probing
from loocbench.evaluators.combinations import Products, choose_strength
from loocbench.solvers.blocks import Blocks

GRID = [1e-5, 1e-3, 1e-1, 10.0]
CLASSES, TRAIN, VAL = 5, 40, 63


def labels(count):
    return torch.arange(count) % CLASSES


def space(count, dim, seed, scale):
    """Features of one space, with an offset that centring has to take away."""
    centers = torch.randn(CLASSES, dim, generator=torch.Generator().manual_seed(seed))
    noise = torch.randn(count, dim, generator=torch.Generator().manual_seed(1000 * count + seed))
    return scale * (0.3 * centers[labels(count)] + noise) + 2


def spaces(count):
    return [space(count, dim, seed, scale) for seed, (dim, scale) in enumerate([(50, 1.0), (30, 9.0), (70, 0.2)])]


def test_products_of_a_concatenation_are_the_sum_of_its_parts():
    parts = [
        Products.from_features(Blocks.from_tensor(x), Blocks.from_tensor(v))
        for x, v in zip(spaces(TRAIN), spaces(VAL), strict=True)
    ]
    total = parts[0] + parts[1] + parts[2]
    train, val = torch.cat(spaces(TRAIN), dim=1).double(), torch.cat(spaces(VAL), dim=1).double()
    centered = train - train.mean(dim=0)
    assert total.dim == 150
    torch.testing.assert_close(total.gram, centered @ centered.T, rtol=0, atol=1e-6)
    torch.testing.assert_close(total.cross, (val - train.mean(dim=0)) @ centered.T, rtol=0, atol=1e-6)
    norms = total.gram.diagonal().sqrt()
    torch.testing.assert_close(norms.mean(), probing.Scale.fit(Blocks.from_tensor(train)).size, rtol=0, atol=1e-9)


@pytest.mark.parametrize("chosen", [[0], [0, 1], [1, 2], [0, 1, 2]])
def test_the_choice_is_the_probe_s(chosen):
    train, val = (
        Blocks.from_tensor(torch.cat([spaces(count)[one] for one in chosen], dim=1)) for count in (TRAIN, VAL)
    )
    assert train.shape[1] > TRAIN
    expected = probing.choose_strength(
        probing.Labelled(train, labels(TRAIN)), probing.Labelled(val, labels(VAL)), GRID, 1e-8, room=2**40
    )
    parts = [
        Products.from_features(Blocks.from_tensor(spaces(TRAIN)[one]), Blocks.from_tensor(spaces(VAL)[one]))
        for one in chosen
    ]
    found = choose_strength(sum(parts[1:], start=parts[0]), labels(TRAIN), labels(VAL), GRID, 1e-8)
    assert (found.strength, found.accuracy, found.curve) == (expected.strength, expected.accuracy, expected.curve)
    assert found.certificate <= 1e-8


def test_features_that_are_not_finite_are_refused():
    broken = space(TRAIN, 50, 0, 1.0)
    broken[3, 2] = torch.inf
    with pytest.raises(UserError, match="NaN or infinity"):
        Products.from_features(Blocks.from_tensor(broken), Blocks.from_tensor(space(VAL, 50, 0, 1.0)))
