"""Learning rates."""

import pytest
import torch
from torch import nn

from loocbench.pretraining import schedule


def test_schedules():
    assert [schedule.step(1.0, epoch, (3, 4)) for epoch in (0, 2, 3, 4, 9)] == pytest.approx([1, 1, 0.1, 0.01, 0.01])
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    witness = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for epoch in range(10):
        assert schedule.cosine(0.5, epoch, 10) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        witness.step()
