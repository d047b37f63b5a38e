"""Sensitivity: the three metrics on representations that are known to keep a change, or to lose it.

Covers loocbench.evaluators.sensitivity.
"""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from loocbench.cards import tasks
from loocbench.changes import applying
from loocbench.data import blooms
from loocbench.errors import UserError
from loocbench.evaluators import statistics
from loocbench.types import Change
from tests.conftest import rendered_once
from tests.evaluators.pictures import Pictures, both, evaluate, layout, palette

CHANGES = ("hue", "brightness", "rotation", "flip")


@pytest.fixture(scope="module")
def flowers():
    return rendered_once(blooms.make_blooms({"train": 150, "val": 60, "test": 90}))


def card_of(changes=CHANGES, images=1000, **protocol):
    card = tasks.load_task("sensitivity/blooms")
    protocol = {"changes": changes, "images": images, "lambdas": (1e-4, 1e-2), **protocol}
    return card.model_copy(update={"protocol": card.protocol.model_copy(update=protocol)})


def outcome_of(dataset, encode, **protocol):
    return evaluate(card_of(**protocol), Pictures(dataset, encode))


def test_a_representation_without_places_ignores_turns_and_tells_brightness(flowers):
    found = outcome_of(flowers, palette).metrics
    assert found["rotation_invariance"].value == pytest.approx(1, abs=1e-3)
    assert found["flip_invariance"].value == pytest.approx(1, abs=1e-3)
    assert found["rotation_equivariance"].value < 0.45  # chance is 0.25
    assert found["rotation_top1_loss"].value == pytest.approx(0, abs=0.02)
    assert found["brightness_equivariance"].value > 0.5
    assert found["hue_invariance"].value < 0.9


def test_a_representation_without_hue_ignores_hue_and_tells_turns(flowers):
    found = outcome_of(flowers, layout, changes=("hue", "rotation")).metrics
    assert found["hue_invariance"].value == pytest.approx(1, abs=1e-3)
    assert found["hue_equivariance"].value < 0.1
    assert found["rotation_equivariance"].value > 0.7  # chance 0.25; averages of brightness show little of the light
    assert found["rotation_invariance"].value < 0.7


def test_equivariance_is_scikit_learns_ridge_and_r2(flowers):
    found = outcome_of(flowers, both, changes=("brightness",), lambdas=(1e-3,)).metrics["brightness_equivariance"]
    pictures = Pictures(flowers, both)
    data = {}
    for number, split in enumerate(("train", "val", "test")):
        change = Change("brightness", drawn=True, seed=pictures.seed * 3 + number)
        rows = range(len(flowers.splits[split]))
        data[split] = pictures.features(split, change=change).double().numpy(), applying.draw_strengths(change, rows)
    (x, t), (x_test, t_test) = data["train"], data["test"]
    size = np.linalg.norm(x - x.mean(0), axis=1).mean()
    model = Ridge(alpha=len(x) * 1e-3).fit((x - x.mean(0)) / size, t)
    assert found.value == pytest.approx(r2_score(t_test, model.predict((x_test - x.mean(0)) / size)), abs=1e-5)
    assert found.low < found.value < found.high


def test_every_metric_is_the_mean_of_its_items(flowers):
    """So that models can be compared on all of them, in pairs."""
    found = outcome_of(flowers, both, changes=("brightness", "flip"))
    assert found.items.keys() == found.metrics.keys()
    for name, metric in found.metrics.items():
        assert found.items[name].mean() == pytest.approx(metric.value), name
    assert found.items["flip_equivariance"].dtype == bool  # right or wrong, not a share of variance


def test_the_strength_of_the_linear_map_is_not_chosen_on_test(flowers, monkeypatch):
    """Of hue's map, whatever test images look like, the same strength's predictions are judged."""
    seen, judged = [], statistics.r_squared

    def spy(predicted, wanted, *, seed):
        seen.append(predicted)
        return judged(predicted, wanted, seed=seed)

    monkeypatch.setattr(statistics, "r_squared", spy)
    for lambdas in ((1e-4,), (10.0,), (1e-4, 10.0)):
        outcome_of(flowers, both, changes=("brightness",), lambdas=lambdas)
    weak, strong, chosen = seen
    assert np.allclose(chosen, weak)
    assert not np.allclose(chosen, strong)

    class Scrambled(Pictures):
        """Test images say the opposite of what they show: on them the strong map, which says little, is best."""

        def features(self, split, **options):
            found = super().features(split, **options)
            return -found if split == "test" else found

    evaluate(card_of(changes=("brightness",), lambdas=(1e-4, 10.0)), Scrambled(flowers, both))
    evaluate(card_of(changes=("brightness",), lambdas=(1e-4,)), Scrambled(flowers, both))
    assert np.allclose(seen[-2], seen[-1])


def test_a_collapsed_space_does_not_move(flowers):
    found = outcome_of(flowers, lambda images: images.new_ones(len(images), 3), changes=("hue",))
    assert found.metrics["hue_invariance"].value == 1
    assert found.metrics["hue_equivariance"].value == pytest.approx(0, abs=0.05)


def test_a_single_image_has_no_sensitivity():
    with pytest.raises(UserError, match="2 images of each split"):
        outcome_of(blooms.make_blooms({"train": 20, "val": 10, "test": 1}), both)


def test_the_loss_is_paired_and_the_curve_adds_up(flowers):
    found = outcome_of(flowers, both, changes=("rotation",))
    points = [point for point in found.curve if "rotation" in point]
    assert [point["rotation"] for point in points] == [90, 180, 270]
    mean = np.mean([point["top1"] for point in points])
    assert found.metrics["rotation_top1_loss"].value == pytest.approx(found.metrics["top1"].value - mean)
    assert found.items["rotation_top1_loss"].shape == (90,)


def test_at_most_so_many_images_take_part_and_the_same_for_every_space(flowers):
    first, second = (outcome_of(flowers, encode, images=30, changes=("flip",)) for encode in (palette, layout))
    assert first.metrics["top1"].n == 30
    assert first.draws == second.draws
