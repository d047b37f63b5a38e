"""A batch in groups, in one process or several: which rows, which statistics, which gradients.

Covers ``loocbench.pretraining.layout``, ``loocbench.pretraining.batch_norm``,
``loocbench.pretraining.grouped_optimizer``.
"""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from loocbench.errors import UserError
from loocbench.pretraining import step as steps
from loocbench.pretraining.layout import Layout
from loocbench.ranks import Ranks
from tests.conftest import tiny_recipe
from tests.pretraining.test_step import take

CPU = torch.device("cpu")
BATCHES = (8, 7, 8, 7)  # every second one is a tail


@given(
    world=st.sampled_from([1, 2, 3]), per_rank=st.integers(1, 3), count=st.integers(18, 70), side=st.sampled_from("qk")
)
def test_every_row_is_encoded_once_and_groups_differ_by_one_image_at_most(world, per_rank, count, side):
    shares = [Layout(world * per_rank, rank, world).share(count) for rank in range(world)]
    groups = [group for share in shares for group in (share.queries if side == "q" else share.keys)]
    assert len(groups) == world * per_rank
    assert sorted(np.concatenate(groups)) == list(range(count))
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_a_query_meets_its_key_groups_images_no_oftener_than_by_chance():
    share = Layout(groups=4).share(64)
    for queries in share.queries:
        for keys in share.keys:
            assert len(np.intersect1d(queries, keys)) == 4


def test_one_group_takes_the_batch_as_it_is():
    share = Layout().share(9)
    assert share.query_rows.tolist() == share.key_rows.tolist() == list(range(9))


def views_of(count, seed=0, views=4):
    return torch.randn(views, count, 3, 16, 16, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def double(training):
    for module in training.modules().values():
        module.double()
    return training


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_groups_are_separate_forward_passes_of_one_objective(groups):
    """Against the sum written out in one graph: each query group and each interleaved key group by itself."""
    recipe = tiny_recipe("looc", groups=groups, learning_rate=0.1, key_momentum=0.9)
    training = double(steps.start_training(recipe, CPU))
    q_net, k_net = copy.deepcopy(training.network), copy.deepcopy(training.key_encoder)
    optimizer = torch.optim.SGD(q_net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for number, count in enumerate(BATCHES):
        views, queues = views_of(count, number), training.queues.entries.clone()
        with torch.no_grad():
            for key, query in zip(k_net.parameters(), q_net.parameters(), strict=True):
                key.mul_(0.9).add_(0.1 * query)
            keys = torch.empty(3, 3, count, 16, dtype=torch.float64)
            for view in range(3):
                for group in range(groups):
                    keys[:, view, group::groups] = k_net(views[1 + view, group::groups])
        q = torch.cat([q_net(part) for part in views[0].tensor_split(groups)], dim=1)
        expected = []
        for space in range(3):
            logits = torch.cat([(q[space] * keys[space, space]).sum(1, keepdim=True), q[space] @ queues[space].T], 1)
            if space:
                others = [(q[space] * keys[space, view]).sum(1, keepdim=True) for view in range(3) if view != space]
                logits = torch.cat([logits, *others], dim=1)
            expected.append(F.cross_entropy(logits / 0.2, torch.zeros(count, dtype=torch.long)))
        optimizer.zero_grad()
        torch.stack(expected).mean().backward()
        training.optimizer.sgd.param_groups[0]["lr"] = 0.1
        optimizer.step()
        torch.testing.assert_close(take(training, views), torch.stack(expected).detach(), rtol=0, atol=1e-9)
        torch.testing.assert_close(
            training.queues.entries[:, (sum(BATCHES[:number]) + np.arange(count)) % 64],
            torch.stack([keys[space, space] for space in range(3)]),
        )
    for ours, theirs in zip(training.network.parameters(), q_net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_running_statistics_are_the_groups_average():
    training = double(steps.start_training(tiny_recipe("moco", groups=3), CPU))
    before = {name: value.clone() for name, value in training.network.named_buffers()}
    witness, views = copy.deepcopy(training.network), views_of(9, views=2)
    moved = []
    for part in views[0].tensor_split(3):
        witness.load_state_dict(before, strict=False)
        with torch.no_grad():
            witness(part)
        moved.append({name: value.clone() for name, value in witness.named_buffers()})
    take(training, views)
    for name, value in training.network.named_buffers():
        average = torch.stack([one[name].double() for one in moved]).mean(dim=0)
        torch.testing.assert_close(value.double(), average)


def test_supervised_training_in_groups_averages_over_the_batch():
    training = double(steps.start_training(tiny_recipe("supervised", groups=2), CPU, classes=3))
    views, labels = views_of(7, views=1), torch.arange(7) % 3
    network, classifier = copy.deepcopy(training.network), copy.deepcopy(training.classifier)
    logits = torch.cat([classifier(network.features(part)["general"]) for part in views[0].tensor_split(2)])
    torch.testing.assert_close(take(training, views, labels)[0], F.cross_entropy(logits, labels).detach())


def test_groups_that_batch_norm_could_not_use_are_refused():
    with pytest.raises(UserError, match="cannot be split into 5 groups of 2; lower --groups"):
        tiny_recipe("moco", batch_size=9, groups=5)


# Precision ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 0.05), ("float16", 0.01)])
def test_half_precision_is_near_and_keeps_losses_queues_and_weights_in_float32(precision, tolerance):
    views = views_of(8).float()
    expected = take(steps.start_training(tiny_recipe("looc"), CPU), views)
    training = steps.start_training(tiny_recipe("looc", precision=precision), CPU)
    before = copy.deepcopy(training.network)
    got = take(training, views)
    assert got.dtype == training.queues.entries.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(training.queues.entries.norm(dim=2), torch.ones(3, 64))
    pairs = zip(before.parameters(), training.network.parameters(), strict=True)
    assert all(new.dtype == torch.float32 and not torch.equal(old, new) for old, new in pairs if old.ndim > 1)
    assert training.optimizer.scaler.is_enabled() == (precision == "float16")


@pytest.mark.slow
def test_compiled_networks_learn_the_same():
    views = views_of(8).float()
    plain, compiled = (steps.start_training(tiny_recipe("looc", learning_rate=0.01), CPU) for _ in range(2))
    compiled.compile()
    for _ in range(2):
        torch.testing.assert_close(take(compiled, views), take(plain, views), rtol=1e-3, atol=1e-3)
    for one, other in zip(plain.network.state_dict(), compiled.network.state_dict(), strict=True):
        assert one == other  # the checkpoint's names stay


def test_modules_without_batch_norm_have_no_running_statistics():
    from loocbench.pretraining.batch_norm import RunningStatistics

    layer = nn.Linear(2, 2)
    before = copy.deepcopy(layer.state_dict())
    statistics = RunningStatistics(layer, 2, Ranks())
    statistics.begin()
    statistics.end_group()
    statistics.end()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
