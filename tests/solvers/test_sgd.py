"""The paper's linear probe against torch.optim.SGD on a linear layer, one learning rate at a time."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from loocbench.solvers.sgd import train_with_sgd

DIM, CLASSES, COUNT, BATCH, EPOCHS = 7, 4, 50, 16, 10  # the last batch of an epoch has 2
RATES = [0.01, 0.3, 3.0]


def batches(epoch, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(COUNT, DIM, generator=generator, dtype=dtype), torch.arange(COUNT) % CLASSES
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(epoch))
    return [(features[rows], labels[rows]) for rows in order.split(BATCH)]


def train(rates=RATES, epochs=batches, **changes):
    given = {"dim": DIM, "classes": CLASSES, "epoch_count": EPOCHS, "seed": 5}
    return train_with_sgd(epochs, learning_rates=rates, **{**given, **changes})


def by_torch(rate, weight_decay):
    layer = nn.Linear(DIM, CLASSES, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(CLASSES, DIM, generator=torch.Generator().manual_seed(5)) * 0.01)
        layer.bias.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=0.9, weight_decay=weight_decay)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[6, 8], gamma=0.1)
    for epoch in range(EPOCHS):
        for features, labels in batches(epoch):
            optimizer.zero_grad()
            F.cross_entropy(layer(features), labels).backward()
            optimizer.step()
        scheduler.step()
    return layer.weight.detach(), layer.bias.detach()


@pytest.mark.parametrize("weight_decay", [0.0, 1e-2])
def test_each_learning_rate_is_a_linear_layer_trained_by_sgd(weight_decay):
    weights, intercepts = train(weight_decay=weight_decay)
    assert weights.shape == (3, CLASSES, DIM)
    assert intercepts.shape == (3, CLASSES)
    for position, rate in enumerate(RATES):
        expected = by_torch(rate, weight_decay)
        torch.testing.assert_close(weights[position], expected[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(intercepts[position], expected[1], rtol=0, atol=1e-5)


def test_a_learning_rate_is_trained_as_if_it_were_alone():
    together = train()
    for position, rate in enumerate(RATES):
        for all_of_them, alone in zip(together, train([rate]), strict=True):
            torch.testing.assert_close(all_of_them[position], alone[0], rtol=1e-9, atol=1e-12)


def test_one_that_diverges_does_not_touch_the_others():
    def single(epoch):
        return batches(epoch, torch.float32)

    weights, _ = train([0.01, 1e38, 0.3], single)
    assert not weights[1].isfinite().all()
    healthy, _ = train([0.01, 0.3], single)
    torch.testing.assert_close(weights[[0, 2]], healthy, rtol=1e-5, atol=1e-6)


def test_the_start_is_a_function_of_the_seed():
    """At a learning rate of almost 0 no epoch changes anything."""
    one, again, other = (train([1e-30], seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    drawn = train([1e-30], lambda epoch: [(torch.zeros(1, 5000), torch.tensor([0]))], dim=5000)[0]
    assert drawn.std() == pytest.approx(0.01, rel=0.03)


def test_the_callers_watch_is_told_of_every_epoch():
    done = []
    train([0.1], watch=done.append)
    assert done == list(range(1, EPOCHS + 1))


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="positive"):
        train([0.1, 0.0])
    with pytest.raises(ValueError, match="no batches"):
        train([0.1], lambda epoch: [])
