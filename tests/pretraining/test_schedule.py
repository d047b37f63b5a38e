"""Learning rates. Covers loocbench.pretraining.extensions, too."""

import pytest
import torch
from torch import nn

from loocbench.pretraining import schedule
from loocbench.pretraining.extensions import extend, list_earlier
from tests.conftest import tiny_recipe


def test_schedules():
    assert [schedule.step(1.0, epoch, (3, 4)) for epoch in (0, 2, 3, 4, 9)] == pytest.approx([1, 1, 0.1, 0.01, 0.01])
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    witness = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for epoch in range(10):
        assert schedule.cosine(0.5, epoch, 10) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        witness.step()


def test_an_extended_run_has_the_rates_of_a_longer_one_from_where_it_was_finished():
    recipe = tiny_recipe("moco", epochs=4, schedule="cosine", learning_rate=0.5)
    longer = extend(extend(recipe, 2), 4)
    assert (longer.epochs, longer.extended) == (10, (4, 6))
    assert list_earlier(longer) == [extend(recipe, 2), recipe]
    assert list_earlier(recipe) == list_earlier(None) == []
    found = [schedule.learning_rate(longer, epoch) for epoch in range(10)]
    planned = [4] * 4 + [6] * 2 + [10] * 4
    assert found == [schedule.cosine(0.5, epoch, epochs) for epoch, epochs in enumerate(planned)]
    stepped = extend(tiny_recipe("moco", epochs=4, learning_rate=1.0, milestones=(2, 3)), 3)
    assert [schedule.learning_rate(stepped, epoch) for epoch in range(7)] == pytest.approx([1, 1, 0.1] + [0.01] * 4)
