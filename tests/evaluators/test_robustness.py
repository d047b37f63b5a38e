"""Robustness: a classifier evaluated on generated corruptions and on another data set's images.

Covers loocbench.evaluators.robustness.
"""

from dataclasses import replace

import numpy as np
import pytest

from loocbench.cards import tasks
from loocbench.data import blooms
from loocbench.data.splits import select_rows
from loocbench.errors import UserError
from loocbench.types import Split
from tests.conftest import rendered_once
from tests.evaluators.pictures import Pictures, both, evaluate

KINDS = ("gaussian_noise", "brightness", "fog")


@pytest.fixture(scope="module")
def flowers():
    return rendered_once(blooms.make_blooms({"train": 160, "val": 60, "test": 40}))


def card_of(task, **changes):
    card = tasks.load_task(task)
    protocol = {"lambdas": (1e-4, 1e-2), **changes.pop("protocol", {})}
    return card.model_copy(update={"protocol": card.protocol.model_copy(update=protocol), **changes})


def test_corruptions_by_kind_group_and_severity(flowers):
    changes = tuple(f"corruption:{kind}" for kind in KINDS)
    found = evaluate(
        card_of("robustness/blooms", labels=("color",), protocol={"changes": changes}), Pictures(flowers, both)
    )
    assert set(found.metrics) == {
        "clean_top1", "top1", *(f"{kind}_top1" for kind in KINDS), "noise_top1", "weather_top1"
    }  # fmt: skip
    by_kind = {kind: [point["top1"] for point in found.curve if kind in point] for kind in KINDS}
    for kind, values in by_kind.items():
        assert len(values) == 5
        assert found.metrics[f"{kind}_top1"].value == pytest.approx(np.mean(values))
    assert found.metrics["top1"].value == pytest.approx(np.mean(list(by_kind.values())))
    assert found.metrics["weather_top1"].value == pytest.approx(np.mean([by_kind["brightness"], by_kind["fog"]]))
    assert found.metrics["top1"].n == 40  # photographs, not their copies
    assert found.metrics["top1"].value < found.metrics["clean_top1"].value


def elsewhere(flowers, factor="species", corruptions=True):
    """The same test images under another name and in another order of classes, as a set of corrupted copies."""
    test = flowers.splits["test"]
    rows = np.arange(len(test))[::-1].copy()
    turned = select_rows(test, rows, "test")
    names = tuple(reversed(turned.class_names[factor]))
    labels = {factor: len(names) - 1 - turned.labels[factor]}
    class_names = {factor: names}
    if corruptions:
        labels |= {"corruption": rows % 2, "severity": np.zeros(len(rows), dtype=np.int64)}
        class_names |= {"corruption": ("gaussian_noise", "fog"), "severity": ("1", "2", "3", "4", "5")}
    other = Split("other", "test", turned.items, labels, class_names)
    return replace(flowers, name="other", splits={"test": other})


@pytest.mark.parametrize("corruptions", [True, False])
def test_another_data_sets_classes_are_found_by_their_names(flowers, corruptions):
    """Judged on its own test images under other numbers, a classifier is as good as on its own."""
    card = card_of("robustness/objectnet13", labels=("species",))
    other = elsewhere(flowers, corruptions=corruptions)
    found = evaluate(card, Pictures(flowers, both, other)).metrics
    assert found["top1"].value == pytest.approx(found["clean_top1"].value)
    assert found["top1"].n == 40
    assert ("noise_top1" in found) == corruptions


def rename(dataset, name_of):
    """The data set with other names for its test images, by row."""
    test = dataset.splits["test"]
    items = tuple(name_of(row) for row in range(len(test)))
    names = dict(zip(items, test.items, strict=True))
    return replace(
        dataset,
        splits={"test": replace(test, items=items)},
        read=lambda wanted, side: dataset.read([names[item] for item in wanted], side),
    )


def test_copies_of_one_photograph_are_one_item(flowers):
    other = rename(elsewhere(flowers), lambda row: f"gaussian_noise/{row % 2}/n1/photo{row // 2}.jpg")
    card = card_of("robustness/objectnet13", labels=("species",))
    assert evaluate(card, Pictures(flowers, both, other)).metrics["top1"].n == 20


def test_images_without_corruptions_are_items_of_their_own_whatever_their_names(flowers):
    """Two photographs of one name in one folder's name were one item, right where either was."""
    other = elsewhere(flowers, corruptions=False)
    renamed = rename(other, lambda row: f"n{row}/test/photo.jpg")
    card = card_of("robustness/objectnet13", labels=("species",))
    found, before = (evaluate(card, Pictures(flowers, both, one)).metrics["top1"] for one in (renamed, other))
    assert found == before


def test_a_class_that_the_classifier_never_saw_is_named(flowers):
    other = elsewhere(flowers, corruptions=False)
    test = other.splits["test"]
    names = ("orchid", *test.class_names["species"][1:])
    strange = replace(other, splits={"test": replace(test, class_names={"species": names})})
    card = card_of("robustness/objectnet13", labels=("species",))
    with pytest.raises(UserError, match=r"other has 1 classes that blooms lacks here \(orchid is one\)"):
        evaluate(card, Pictures(flowers, both, strange))


def test_at_most_so_many_images_are_corrupted(flowers):
    card = card_of(
        "robustness/blooms", labels=("color",), protocol={"changes": ("corruption:brightness",), "images": 15}
    )
    found = evaluate(card, Pictures(flowers, both)).metrics
    assert (found["top1"].n, found["clean_top1"].n) == (15, 40)


def test_the_images_that_were_drawn_are_named(flowers):
    """Rows of two seeds are of other photographs, which a paired test must see; the whole split is no draw."""

    def drawn(seed, images=15):
        changes = {"changes": ("corruption:brightness",), "images": images}
        card = card_of("robustness/blooms", labels=("color",), protocol=changes)
        pictures = Pictures(flowers, both)
        pictures.seed = seed
        return evaluate(card, pictures).draws

    assert drawn(0) == drawn(0) != drawn(1) != ""
    assert drawn(0, images=40) == drawn(1, images=40) == ""
