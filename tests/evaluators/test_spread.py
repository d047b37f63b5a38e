"""Features that are constant, or nearly, are found; others are not."""

import pytest
import torch

from loocbench.evaluators.spread import describe_constant

ROW = torch.linspace(1, 3, 8)


def features(noise):
    return ROW + noise * torch.randn(50, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("rows", [torch.zeros(50, 8), ROW.expand(50, 8)])
def test_the_same_for_all_images(rows):
    assert describe_constant(rows) == "all test images have the same features"


def test_nearly_the_same():
    assert describe_constant(features(1e-6)) == "test images differ by 5e-07 of the features' size"
    assert describe_constant(features(1e-3)) == ""
