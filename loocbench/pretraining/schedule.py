"""The learning rate of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence


def step(base: float, epoch: int, milestones: Sequence[int]) -> float:
    """``base`` divided by 10 at each milestone that ``epoch`` (0-based) has reached."""
    return base * 0.1 ** sum(epoch >= milestone for milestone in milestones)


def cosine(base: float, epoch: int, epochs: int) -> float:
    """Half a cosine from ``base`` at epoch 0 down towards 0 at ``epochs`` (MoCo v2 sets it once an epoch)."""
    return base * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
