"""One step of pretraining: which keys enter which queue, when the momentum encoder moves.

Covers ``loocbench.pretraining.step``, ``loocbench.pretraining.contrastive_step``,
``loocbench.pretraining.momentum``.

Covers ``loocbench.pretraining.networks``.
"""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from loocbench.pretraining import momentum, recipes
from loocbench.pretraining import step as steps
from loocbench.pretraining.networks import build_network
from loocbench.types import Recipe
from tests.conftest import tiny_recipe

CPU = torch.device("cpu")


def views_for(recipe: Recipe, seed=0):
    count = 1 + (len(recipes.spaces(recipe)) if recipe.left_out else 1)
    return torch.randn(count, 8, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def take(training, views, labels=None):
    """One step on views [V, B, 3, H, W] in one process."""
    share = training.layout.share(views.shape[1])
    labels = torch.zeros(views.shape[1], dtype=torch.long) if labels is None else labels
    return training.step(share, views[0, share.query_rows], views[1:, share.key_rows], labels[share.query_rows])


@pytest.mark.parametrize("method", ["looc", "looc++"])
def test_the_queue_of_space_i_holds_z_i_of_k_i_from_the_encoder_after_its_momentum_update(method):
    recipe = tiny_recipe(method, key_momentum=0.5)
    state = steps.start_training(recipe, CPU)
    with torch.no_grad():  # so that the update is visible
        for parameter in state.network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    keys = copy.deepcopy(state.key_encoder)
    momentum.update(keys, state.network, 0.5)
    views = views_for(recipe)
    with torch.no_grad():
        expected = torch.stack([keys(view)[i] for i, view in enumerate(views[1:])])
    take(state, views)
    torch.testing.assert_close(state.queues.entries[:, :8], expected)


@pytest.mark.parametrize("method", ["moco", "moco++"])
def test_moco_has_two_views_and_queues_of_k_0(method):
    recipe = tiny_recipe(method, augmentations=("color", "rotation"))
    state = steps.start_training(recipe, CPU)
    keys = copy.deepcopy(state.key_encoder)
    views = views_for(recipe)
    assert len(views) == 2
    with torch.no_grad():
        expected = keys(views[1])
    assert take(state, views).shape == (1 if method == "moco" else 3,)
    torch.testing.assert_close(state.queues.entries[:, :8], expected)


def test_the_momentum_encoder_gets_no_gradient_and_is_the_average():
    state = steps.start_training(tiny_recipe("looc", key_momentum=0.9), CPU)
    views = views_for(state.recipe)
    before = [parameter.clone() for parameter in state.network.parameters()]
    take(state, views)
    middle = [parameter.clone() for parameter in state.network.parameters()]
    take(state, views)
    for key, first, second in zip(state.key_encoder.parameters(), before, middle, strict=True):
        assert key.grad is None
        torch.testing.assert_close(key, 0.9 * first + 0.1 * second)


def test_five_steps_of_moco_equal_an_independent_implementation_of_the_published_formulae():
    """n = 0 against MoCo v2 written out: cross-entropy over [positive, queue], EMA, SGD with momentum and decay."""
    recipe = tiny_recipe("moco", queue_size=24, key_momentum=0.9, learning_rate=0.1)
    state = steps.start_training(recipe, CPU)
    state.network.double()
    state.key_encoder.double()
    state.queues.double()

    q_net, k_net = copy.deepcopy(state.network), copy.deepcopy(state.key_encoder)
    queue, velocity = state.queues.entries[0].clone(), {}
    for step in range(5):
        views = views_for(recipe, step).double()
        q = q_net(views[0])[0]
        with torch.no_grad():
            for k_parameter, q_parameter in zip(k_net.parameters(), q_net.parameters(), strict=True):
                k_parameter.mul_(0.9).add_(0.1 * q_parameter)
            k = k_net(views[1])[0]
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / 0.2
        loss = F.cross_entropy(logits, torch.zeros(8, dtype=torch.long))
        gradients = torch.autograd.grad(loss, list(q_net.parameters()))
        with torch.no_grad():
            for position, (parameter, gradient) in enumerate(zip(q_net.parameters(), gradients, strict=True)):
                velocity[position] = 0.9 * velocity.get(position, 0) + gradient + 1e-4 * parameter
                parameter.sub_(0.1 * velocity[position])
        queue[(8 * step + np.arange(8)) % 24] = k
        torch.testing.assert_close(take(state, views)[0], loss.detach(), rtol=0, atol=1e-9)
    for ours, theirs in zip(state.network.parameters(), q_net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_initial_weights_depend_on_the_seed_alone_and_leave_the_global_generator():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = build_network(tiny_recipe(seed=1)).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    same, other = build_network(tiny_recipe(seed=1)).state_dict(), build_network(tiny_recipe(seed=2)).state_dict()
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["trunk.0.0.weight"], other["trunk.0.0.weight"])
