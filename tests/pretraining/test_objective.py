"""The objective against a naive loop over the paper's equation, against lightly, and its gradient."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from loocbench.pretraining.objective import looc_loss, moco_loss

TAU = 0.2


def draw(spaces, batch=5, queue=7, dim=6, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def unit(*shape):
        return normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)

    return unit(spaces, batch, dim), unit(spaces, spaces, batch, dim), unit(spaces, queue, dim)


def naive(queries, keys, queues, tau):
    """A triple loop over the specification's equation, with plain numbers."""
    spaces, batch, _ = queries.shape

    def similarity(a, b):
        return math.exp(sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True)) / tau)

    losses = []
    for i in range(spaces):
        total = 0.0
        for b in range(batch):
            positive = similarity(queries[i, b], keys[i, i, b])
            others = sum(similarity(queries[i, b], entry) for entry in queues[i])
            same_image = sum(similarity(queries[i, b], keys[i, j, b]) for j in range(spaces)) if i else positive
            total -= math.log(positive / (same_image + others))
        losses.append(total / batch)
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("tau", [0.07, 0.2, 1.0])
def test_equals_a_naive_loop_over_the_equation(n, batch, tau):
    values = draw(n + 1, batch=batch, seed=n)
    torch.testing.assert_close(looc_loss(*values, tau), naive(*values, tau), rtol=0, atol=1e-6)


def test_without_leave_one_out_it_is_lightlys_ntxent_with_a_memory_bank():
    NTXentLoss = pytest.importorskip("lightly.loss", reason="the dev extra installs lightly").NTXentLoss  # noqa: N806
    queries, keys, queues = (value.float() for value in draw(1, batch=8, queue=32, dim=16))
    witness = NTXentLoss(temperature=TAU, memory_bank_size=(32, 16))
    witness.memory_bank.bank = queues[0].clone()  # [K, D], as lightly keeps it
    witness.memory_bank.bank_ptr = torch.zeros(1, dtype=torch.long)
    expected = witness(queries[0], keys[0, 0])
    torch.testing.assert_close(looc_loss(queries, keys, queues, TAU)[0], expected, rtol=1e-5, atol=1e-6)


def test_the_loss_of_a_space_has_no_gradient_in_the_other_heads():
    queries, keys, queues = draw(3)
    queries.requires_grad_()
    for i in range(3):
        (gradient,) = torch.autograd.grad(looc_loss(queries, keys, queues, TAU)[i], queries)
        for j in range(3):
            assert (gradient[j].abs().max() > 0) == (i == j)


def test_space_0_ignores_the_keys_of_the_leave_one_out_views():
    queries, keys, queues = draw(3)
    changed = keys.clone()
    changed[0, 1:] = -changed[0, 1:]
    before, after = looc_loss(queries, keys, queues, TAU), looc_loss(queries, changed, queues, TAU)
    assert before[0] == after[0]


def test_every_other_key_of_the_image_is_a_negative_in_the_other_spaces():
    queries, keys, queues = draw(3)
    before = looc_loss(queries, keys, queues, TAU)
    for j in (0, 2):  # k_0 and k_2 are negatives in space 1
        nearer = keys.clone()
        nearer[1, j] = queries[1]
        assert looc_loss(queries, nearer, queues, TAU)[1] > before[1]


def test_moco_loss_is_moco_in_each_space_by_itself():
    queries, keys, queues = draw(3)
    own = torch.stack([keys[i, 0] for i in range(3)])
    each = [looc_loss(queries[i : i + 1], own[i][None, None], queues[i : i + 1], TAU) for i in range(3)]
    torch.testing.assert_close(moco_loss(queries, own, queues, TAU), torch.cat(each))


def test_shapes_that_do_not_fit_are_refused():
    queries, keys, queues = draw(2)
    with pytest.raises(ValueError, match="do not fit"):
        looc_loss(queries, keys[:, :1], queues, TAU)
