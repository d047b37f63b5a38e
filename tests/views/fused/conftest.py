"""Batches of 8-bit pictures, and views of them that the compiled pass makes."""

import numpy as np
import pytest
import torch

from loocbench.types import ImageBatch
from loocbench.views.fused import batch
from loocbench.views.fused.plan import Plan

PLAIN, UNIT = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@pytest.fixture
def pixels(pictures):
    """The pictures as a batch, uint8 [12, 3, 32, 32]."""
    return (pictures * 255).round().to(torch.uint8)


def render(pixels, size, copies=None, **changes):
    """One view [B, 3, size, size] in [0, 1] of each image: its whole, resized, but for the ``changes`` [B, ...]."""
    count, _, height, width = pixels.shape
    plan = Plan(
        stylised=np.zeros((1, count), bool),
        box=np.tile(np.array([0, 0, height, width]), (1, count, 1)),
        flip=np.zeros((1, count), bool),
        turns=np.zeros((1, count), np.int64),
        jitter=np.zeros((1, count), bool),
        order=np.zeros((1, count, 4), np.int64),
        factors=np.ones((1, count, 4), np.float32),
        gray=np.zeros((1, count), bool),
        sigma=np.zeros((1, count), np.float32),
    )
    plan = plan._replace(
        **{
            name: np.broadcast_to(np.asarray(value)[None], getattr(plan, name).shape)
            .astype(getattr(plan, name).dtype)
            .copy()
            for name, value in changes.items()
        }
    )
    images = ImageBatch(pixels, torch.tensor([[height, width]] * count), copies)
    out = torch.empty(1, count, 3, size, size)
    batch.make_views(images, plan, PLAIN, UNIT, out)
    return out[0]
