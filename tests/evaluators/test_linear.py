"""The linear probe by its protocols, on synthetic features.

Covers loocbench.evaluators.linear and loocbench.evaluators.sgd_probe.

Covers ``loocbench.evaluators.convex_probe``.
"""

import numpy as np
import pytest
import torch

from loocbench.cards import tasks
from loocbench.errors import UserError
from loocbench.evaluators import sgd_probe
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.sgd import train_with_sgd
from tests.evaluators.pictures import evaluate

CLASSES, DIM = 8, 24
SIZES = {"train": 12, "val": 10, "test": 25}  # images a class
SGD = {"solver": "sgd", "learning_rates": (0.03, 0.3), "epochs": 5, "batch_size": 32}


class Made:
    """Task data whose features are class centres and noise; augmented ones have fresh noise every epoch."""

    device = torch.device("cpu")

    def __init__(self, spread=1.0, seed=3):
        self.spread, self.seed, self.said, self.served = spread, seed, [], []

    def features(self, split):
        return self.noisy(split, sorted(SIZES).index(split))

    def noisy(self, split, noise):
        generator = torch.Generator().manual_seed(noise)
        centers = torch.randn(CLASSES, DIM, generator=torch.Generator().manual_seed(9))
        labels = self.labels(split, "class")
        return centers[labels] * self.spread + torch.randn(len(labels), DIM, generator=generator)

    def augmented(self, splits, *, epoch, batch_size):
        self.served.append((tuple(splits), epoch))
        whole = torch.cat([self.noisy(split, 10 + epoch) for split in splits])
        order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(epoch))
        for rows in order.split(batch_size):
            yield rows, whole[rows]

    def blocks(self, split):
        return Blocks.from_tensor(self.features(split))

    def labels(self, split, factor):
        return torch.arange(CLASSES * SIZES[split]) % CLASSES

    def info(self, message):
        self.said.append(message)


def card_of(**protocol):
    card = tasks.load_task("linear/flowers102")
    return card.model_copy(update={"protocol": card.protocol.model_copy(update=protocol)})


PROTOCOLS = {
    "path": {},
    "ridge": {"solver": "ridge"},
    "sgd": SGD,
    "one rate": {**SGD, "learning_rates": (0.3,)},
    "augmented": {**SGD, "augment": True},
}


@pytest.mark.parametrize("changes", PROTOCOLS.values(), ids=PROTOCOLS)
def test_far_apart_is_right_and_noise_is_chance(changes):
    apart, noise = (evaluate(card_of(**changes), Made(spread)) for spread in (4.0, 0.0))
    for metric in ("top1", "mean_per_class"):
        assert apart.metrics[metric].value > 0.98
        assert abs(noise.metrics[metric].value - 1 / CLASSES) < 0.08
    assert apart.metrics["top5"].value > 0.98
    assert apart.items["top1"].dtype == bool
    assert noise.items["top1"].mean() == pytest.approx(noise.metrics["top1"].value)


@pytest.mark.parametrize("changes", PROTOCOLS.values(), ids=PROTOCOLS)
def test_it_is_a_function_of_its_seed(changes):
    one, again = (evaluate(card_of(**changes), Made()) for _ in range(2))
    assert (one.metrics, one.chosen, one.curve) == (again.metrics, again.chosen, again.curve)
    np.testing.assert_array_equal(one.items["top1"], again.items["top1"])


@pytest.mark.parametrize("augment", [False, True])
def test_the_learning_rate_is_chosen_on_validation_and_trained_anew_on_train_and_val(augment):
    card, data = card_of(**SGD, augment=augment), Made()
    outcome = evaluate(card, data)
    best = max(point["val_top1"] for point in outcome.curve)
    assert outcome.chosen["learning_rate"] == min(
        point["learning_rate"] for point in outcome.curve if point["val_top1"] == best
    )
    assert [point["learning_rate"] for point in outcome.curve] == [0.03, 0.3]
    assert outcome.certificate is None
    if augment:
        assert data.served == [(splits, e) for splits in (("train",), ("train", "val")) for e in range(5)]
    # The one that is tested is what training it alone on train + val gives.
    alone = evaluate(card_of(**{**SGD, "learning_rates": (outcome.chosen["learning_rate"],)}, augment=augment), Made())
    np.testing.assert_array_equal(alone.items["top1"], outcome.items["top1"])
    assert alone.curve == []
    assert alone.chosen == outcome.chosen


def test_a_learning_rate_is_judged_as_if_it_were_alone():
    few = evaluate(card_of(**SGD), Made())
    many = evaluate(card_of(**{**SGD, "learning_rates": (3.0, 0.3, 0.03)}), Made())
    assert [point for point in many.curve if point["learning_rate"] < 1] == list(few.curve)


def test_augmented_views_meet_their_own_labels():
    """The probe is train_with_sgd on what ``augmented`` gives, its rows read as rows of train + val."""
    data = Made()
    found = sgd_probe.train_sgd_probe(
        card_of(**{**SGD, "learning_rates": (0.3,)}, augment=True).protocol, data, "class"
    )
    labels = torch.cat([data.labels(split, "class") for split in ("train", "val")])

    def epochs(epoch):
        for rows, features in data.augmented(("train", "val"), epoch=epoch, batch_size=32):
            yield features, labels[rows]

    weights, intercepts = train_with_sgd(
        epochs, dim=DIM, classes=CLASSES, learning_rates=[0.3], epoch_count=5, seed=data.seed
    )
    torch.testing.assert_close(found.scores, data.features("test") @ weights[0].T + intercepts[0])


def test_every_epoch_has_every_image_once_in_an_order_of_its_own():
    protocol, data = card_of(**SGD).protocol, Made()
    batches = sgd_probe._iterate_cached(protocol, data, ("train", "val"))
    whole = torch.cat([data.features(split) for split in ("train", "val")])
    orders = []
    for epoch in (0, 1):
        for rows, features in batches(epoch):
            assert len(rows) <= 32
            assert torch.equal(features, whole[rows])
        orders.append(torch.cat([rows for rows, _ in batches(epoch)]))
    assert all(torch.equal(order.sort().values, torch.arange(len(whole))) for order in orders)
    assert not torch.equal(*orders)


def test_a_learning_rate_that_diverges_is_left_out_and_all_of_them_are_an_error():
    data = Made()
    outcome = evaluate(card_of(**{**SGD, "learning_rates": (0.3, 1e38)}), data)
    assert [point["learning_rate"] for point in outcome.curve] == [0.3]
    assert "diverged and left out: learning rate 1e+38" in data.said
    with pytest.raises(UserError, match=r"diverged at learning rate 1e\+38"):
        evaluate(card_of(**{**SGD, "learning_rates": (1e38,)}), Made())


@pytest.mark.parametrize("changes", PROTOCOLS.values(), ids=PROTOCOLS)
def test_features_that_are_not_finite_are_refused(changes):
    with pytest.raises(UserError, match="NaN or infinity"):
        evaluate(card_of(**changes), Made(float("inf")))


def test_long_training_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(sgd_probe, "_REPORT_SECONDS", 0.0)
    data = Made()
    evaluate(card_of(**{**SGD, "learning_rates": (0.3,)}), data)
    assert [line for line in data.said if line.startswith("epoch")] == [f"epoch {n} of 5" for n in (1, 2, 3, 4)]


def test_ridge_and_path_are_two_fits_of_one_protocol():
    """Both choose a lambda of the card's grid on val; only the path is a logistic regression."""
    path, ridge = (evaluate(card_of(solver=solver), Made()) for solver in ("path", "ridge"))
    assert [point["lambda"] for point in path.curve] == [point["lambda"] for point in ridge.curve]
    assert path.curve != ridge.curve
    assert ridge.certificate < 1e-10
