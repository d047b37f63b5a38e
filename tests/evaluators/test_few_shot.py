"""Few-shot, episodes and kNN on made features: right where classes are far apart, at chance where there are none.

Covers loocbench.evaluators.few_shot, loocbench.evaluators.few_shot_trials, loocbench.evaluators.episodes and
loocbench.evaluators.knn.
"""

import numpy as np
import pytest
import torch

from loocbench.cards import tasks
from loocbench.errors import UserError
from loocbench.solvers.blocks import Blocks
from tests.evaluators.pictures import evaluate

CLASSES, DIM = 8, 24
SIZES = {"train": 12, "val": 10, "test": 25}  # images a class


class Made:
    """Task data whose features are class centres and noise."""

    seed = 3

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def features(self, split):
        generator = torch.Generator().manual_seed(sorted(SIZES).index(split))
        centers = torch.randn(CLASSES, DIM, generator=torch.Generator().manual_seed(9))
        labels = self.labels(split, "class")
        return centers[labels] * self.spread + torch.randn(len(labels), DIM, generator=generator)

    device = torch.device("cpu")

    def blocks(self, split):
        return Blocks.from_tensor(self.features(split))

    def labels(self, split, factor):
        return torch.arange(CLASSES * SIZES[split]) % CLASSES

    def info(self, message):
        """Nothing."""


def card_of(task, **protocol):
    card = tasks.load_task(task)
    return card.model_copy(update={"protocol": card.protocol.model_copy(update=protocol)})


CARDS = {
    "few-shot/flowers102-5": {"trials": 4},
    "few-shot/flowers102-5-path": {"trials": 4},
    "episodes/flowers102-5way-5shot": {"trials": 600},  # more than are solved at once
    "knn/flowers102": {},
}


@pytest.mark.parametrize("task", CARDS)
def test_far_apart_is_right_and_noise_is_chance(task):
    card = card_of(task, **CARDS[task])
    apart = evaluate(card, Made(4.0)).metrics["top1"]
    noise = evaluate(card, Made(0.0)).metrics["top1"]
    chance = 1 / getattr(card.protocol, "ways", CLASSES)
    assert apart.value > 0.98
    assert apart.low <= apart.value <= apart.high
    assert abs(noise.value - chance) < 0.06


@pytest.mark.parametrize("task", [task for task in CARDS if task != "knn/flowers102"])
def test_every_model_gets_the_same_images_and_the_row_says_which(task):
    changes = CARDS[task]
    one, other = (evaluate(card_of(task, **changes), Made(spread)) for spread in (1.0, 2.0))
    assert one.draws == other.draws
    assert len(one.draws) == 64
    again = Made(1.0)
    again.seed = 4
    assert evaluate(card_of(task, **changes), again).draws != one.draws


def test_a_strength_is_not_chosen_on_nothing():
    card = card_of("few-shot/flowers102-5-path", trials=2, shots=SIZES["train"] + SIZES["val"])
    with pytest.raises(UserError, match="the shots use every image"):
        evaluate(card, Made(1.0))


def test_a_class_without_a_vote_is_no_guess():
    """Of one neighbour there is one guess, so top-5 is top-1."""
    found = evaluate(card_of("knn/flowers102", neighbours=(1,)), Made(0.5)).metrics
    assert found["top5"] == found["top1"]
    assert found["top1"].value < 1


def test_the_number_of_neighbours_is_chosen_on_validation():
    outcome = evaluate(tasks.load_task("knn/flowers102"), Made(0.7))
    best = max(point["val_top1"] for point in outcome.curve)
    assert outcome.chosen["neighbours"] == min(p["neighbours"] for p in outcome.curve if p["val_top1"] == best)
    assert [point["neighbours"] for point in outcome.curve] == [1, 5, 10, 20, 50, CLASSES * SIZES["train"]]


def test_more_neighbours_than_there_are_images_are_all_images():
    """The curve ends at the number of train images; the choice and its figures are those of that many."""
    images = CLASSES * SIZES["train"]
    beyond = evaluate(card_of("knn/flowers102", neighbours=(images + 4, images + 400)), Made(0.7))
    assert [point["neighbours"] for point in beyond.curve] == [images]
    every = evaluate(card_of("knn/flowers102", neighbours=(images,)), Made(0.7))
    assert beyond.curve == every.curve
    up_to = evaluate(card_of("knn/flowers102", neighbours=(1, images, images + 1)), Made(0.7))
    assert [point["neighbours"] for point in up_to.curve] == [1, images]


def test_neighbours_say_which_images_they_got_right():
    outcome = evaluate(tasks.load_task("knn/flowers102"), Made(0.7))
    right = outcome.items["top1"]
    assert (right.dtype, right.shape) == (bool, (CLASSES * SIZES["test"],))
    assert right.mean() == pytest.approx(outcome.metrics["top1"].value)
    by_class = right.reshape(-1, CLASSES).mean(axis=0)  # labels go round
    assert outcome.metrics["mean_per_class"].value == pytest.approx(by_class.mean())


def test_an_interval_over_trials_is_students():
    from scipy import stats

    from loocbench.evaluators import statistics

    values = np.array([0.5, 0.6, 0.55, 0.7])
    metric = statistics.trial_mean(values, images=200)
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert (metric.low, metric.high, metric.n) == (pytest.approx(low), pytest.approx(high), 4)


@pytest.mark.parametrize("task", [task for task in CARDS if task != "knn/flowers102"])
def test_draws_that_are_all_equal_are_no_certainty(task):
    """Wilson's interval over the test images that were asked, as scipy computes it."""
    from scipy.stats import binomtest

    metric = evaluate(card_of(task, **CARDS[task]), Made(40.0)).metrics["top1"]
    images = CLASSES * SIZES["test"]  # all of which the episodes ask about too
    wanted = binomtest(images, images).proportion_ci(0.95, method="wilson")
    assert (metric.value, metric.high) == (1.0, 1.0)
    assert metric.low == pytest.approx(wanted.low)
    assert metric.n == CARDS[task]["trials"]


def test_constant_features_are_at_chance_whatever_the_order_of_images():
    """Neighbours tie: were the first k taken, they would be the first class of sorted folders."""
    card = tasks.load_task("knn/flowers102")

    class Constant(Made):
        def features(self, split):
            return torch.ones(CLASSES * SIZES[split], DIM)

        def labels(self, split, factor):
            return torch.arange(CLASSES).repeat_interleave(SIZES[split])

    outcome = evaluate(card, Constant(1.0))
    assert outcome.metrics["top1"].value == pytest.approx(1 / CLASSES)
    assert [point["val_top1"] for point in outcome.curve] == pytest.approx([1 / CLASSES] * len(outcome.curve))
