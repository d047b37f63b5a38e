"""Images for operations."""

import pytest
import torch


@pytest.fixture
def pictures():
    """Twelve images in [0, 1], among them a flat grey, a saturated and a black one."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(12, 3, 32, 32, generator=generator)
    images[0] = 0.5  # flat grey: hue is undefined
    images[1, 0] = 1.0  # saturated
    images[2] = 0.0
    return images
