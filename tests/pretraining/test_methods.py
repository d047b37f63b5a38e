"""The methods of the paper's tables: which views share what, what each is asked, what enters its queues.

Covers ``loocbench.pretraining.methods.method``, ``loocbench.pretraining.methods.moco``,
``loocbench.pretraining.methods.looc``, ``loocbench.pretraining.methods.add_one``,
``loocbench.pretraining.methods.supervised``, ``loocbench.pretraining.methods.untrained``,
``loocbench.pretraining.supervised_step``.
"""

import math

import pytest
import torch
from torch.nn import functional as F

from loocbench.pretraining import recipes, step
from loocbench.pretraining.methods import METHODS
from loocbench.pretraining.methods.method import ContrastiveMethod
from loocbench.pretraining.objective import looc_loss
from loocbench.views.leave_one_out import add_one_sources, independent_sources
from loocbench.views.view_maker import ViewMaker
from tests.conftest import tiny_recipe
from tests.pretraining.test_step import take

CPU = torch.device("cpu")
CONTRASTIVE = [name for name, method in METHODS.items() if isinstance(method, ContrastiveMethod)]


def test_add_one_shares_everything_but_one():
    assert add_one_sources(("crop", "color", "rotation"), ("color", "rotation")) == {
        "crop": (0, 1, 0, 0),
        "color": (0, 1, 2, 0),
        "rotation": (0, 1, 0, 3),
    }


def test_same_for_q_and_k_is_one_draw():
    assert independent_sources(("crop", "color", "rotation"), shared=("rotation",)) == {
        "crop": (0, 1),
        "color": (0, 1),
        "rotation": (0, 0),
    }
    with pytest.raises(ValueError, match="texture"):
        independent_sources(("crop",), shared=("texture",))


@pytest.mark.parametrize("method", ["looc", "looc++", "add-one"])
def test_losses_are_the_papers_equation(method):
    generator = torch.Generator().manual_seed(0)
    queries = F.normalize(torch.randn(3, 5, 8, generator=generator), dim=2)
    keys = F.normalize(torch.randn(3, 3, 5, 8, generator=generator), dim=3)
    queues = F.normalize(torch.randn(3, 11, 8, generator=generator), dim=2)
    it = METHODS[method]
    torch.testing.assert_close(it.losses(queries, keys, queues, 0.2), looc_loss(queries, keys, queues, 0.2))
    expected = torch.stack([keys[i, i] for i in range(3)])
    assert torch.equal(it.keys_for_queue(keys), expected)


@pytest.mark.parametrize("method", CONTRASTIVE)
def test_a_step_goes_down_the_objective(method):
    """Against the same keys and queues, the queries' loss is lower after the step than before it."""
    recipe = tiny_recipe(method, augmentations=("color", "rotation"), learning_rate=0.01)
    training = step.start_training(recipe, CPU)
    views = torch.randn(ViewMaker(16, recipes.view_sources(recipe)).count, 8, 3, 16, 16)
    queues = training.queues.entries.clone()
    keys = torch.stack([training.key_encoder(view) for view in views[1:]], dim=1).detach()

    @torch.no_grad()
    def loss():
        return float(training.method.losses(training.network(views[0]), keys, queues, recipe.temperature).mean())

    before = loss()
    assert take(training, views).shape == (len(training.losses),)
    assert loss() < before


def test_supervised_training_is_cross_entropy(tmp_path):
    """One step equals plain torch on the same weights."""
    import copy

    recipe = tiny_recipe("supervised", learning_rate=0.1)
    training = step.start_training(recipe, CPU, classes=4)
    network, classifier = copy.deepcopy(training.network), copy.deepcopy(training.classifier)
    views, labels = torch.randn(1, 8, 3, 16, 16), torch.arange(8) % 4
    loss = F.cross_entropy(classifier(network.stages["general"](network.trunk(views[0])).mean((2, 3))), labels)
    loss.backward()
    assert torch.allclose(take(training, views, labels), loss.detach()[None])
    for ours, theirs in zip(training.classifier.parameters(), classifier.parameters(), strict=True):
        expected = theirs - 0.1 * (theirs.grad + recipe.weight_decay * theirs)
        torch.testing.assert_close(ours.detach(), expected.detach())


@pytest.mark.parametrize("method", ["moco", "looc", "supervised"])
def test_a_loss_that_is_not_finite_changes_no_weight_and_no_queue(method):
    recipe = tiny_recipe(method)
    training = step.start_training(recipe, CPU, classes=2)
    count = ViewMaker(16, recipes.view_sources(recipe)).count
    take(training, torch.randn(count, 8, 3, 16, 16))

    def weights():
        return {
            f"{part}.{name}": value.clone()
            for part, module in training.modules().items()
            for name, value in module.named_parameters()
            if part != "key_encoder"
        } | ({"queue": training.queues.entries.clone()} if method != "supervised" else {})

    before = weights()
    views = torch.full((count, 8, 3, 16, 16), torch.nan)
    assert not torch.isfinite(take(training, views)).all()
    assert all(torch.equal(before[name], value) for name, value in weights().items())


@pytest.mark.parametrize("method", CONTRASTIVE)
def test_chance_is_the_loss_of_random_embeddings_in_many_dimensions(method):
    recipe = tiny_recipe(method, augmentations=("color", "rotation"), queue_size=200)
    it = METHODS[method]
    chance = it.chance_losses(recipe)
    spaces, keys = len(it.spaces(recipe)), ViewMaker(16, recipes.view_sources(recipe)).count - 1
    generator = torch.Generator().manual_seed(0)

    def unit(*shape):
        return F.normalize(torch.randn(*shape, 8192, generator=generator), dim=-1)

    average = it.losses(unit(spaces, 64), unit(spaces, keys, 64), unit(spaces, 200), recipe.temperature)
    assert list(chance) == pytest.approx(average.tolist(), abs=0.03)
    # K entries of the queue and the positive; in LooC's spaces 1 .. n the image's n other keys as well
    others = 2 if method in ("looc", "looc++", "add-one") else 0
    assert list(chance) == pytest.approx([math.log(201)] + (spaces - 1) * [math.log(201 + others)])


def test_chance_of_a_classifier_is_the_cross_entropy_of_equal_logits():
    recipe = tiny_recipe("supervised")
    training = step.start_training(recipe, CPU, classes=7)
    expected = F.cross_entropy(torch.zeros(5, 7), torch.arange(5))
    assert training.chance_losses == pytest.approx([float(expected)])
    assert len(training.chance_losses) == len(training.losses)


def test_which_space_the_loss_makes_vary_with_what():
    given = {name: METHODS[name].varies_with(tiny_recipe(name)) for name in METHODS if METHODS[name].trainable}
    own = {"color": "color", "rotation": "rotation"}
    assert given == {"supervised": {}, "moco": {}, "moco++": {}, "add-one": {}, "looc": own, "looc++": own}
