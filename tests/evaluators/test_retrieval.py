"""Retrieval by label, by the colour descriptor, and by both.

Covers loocbench.evaluators.retrieval.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from loocbench.cards import tasks
from loocbench.data import blooms
from loocbench.data.splits import select_rows
from loocbench.errors import UserError
from loocbench.evaluators import color_descriptor
from tests.evaluators.pictures import Pictures, evaluate, layout, palette


def described(images):
    """The very descriptor: the best possible neighbours in colour."""
    return torch.from_numpy(color_descriptor.color_histograms((images * 255).round().byte().numpy()))


def outcome_of(dataset, encode, task="retrieval/blooms", **changes):
    return evaluate(tasks.load_task(task).model_copy(update=changes), Pictures(dataset, encode))


def test_labels_alone_and_together(tiny_blooms):
    found = outcome_of(tiny_blooms, palette)
    assert found.metrics["species_and_color_recall1"].value <= found.metrics["color_recall1"].value
    assert "color_agreement" not in found.metrics
    assert found.stated == {}


def test_the_scale_brackets_what_was_found(tiny_blooms):
    found = outcome_of(tiny_blooms, palette)
    colors = tiny_blooms.splits["test"].labels["color"]
    share = np.mean([(np.delete(colors, i) == colors[i]).mean() for i in range(len(colors))])
    assert found.scale["random"]["color_recall1"] == pytest.approx(share)
    assert found.scale["random"].keys() == found.scale["oracle"].keys() == found.metrics.keys()
    for name, value in found.metrics.items():
        assert value.value <= found.scale["oracle"][name]
    assert found.metrics["color_map"].value > found.scale["random"]["color_map"]


def test_where_no_query_has_an_answer_there_is_no_precision():
    everyone = blooms.make_blooms({"train": 8, "val": 8, "test": 8})
    test = everyone.splits["test"]
    alone = replace(test, labels={"species": np.arange(8)}, class_names={"species": tuple("abcdefgh")})
    found = outcome_of(replace(everyone, splits={"test": alone}), palette, labels=("species",))
    assert found.metrics["species_recall5"].value == found.scale["oracle"]["species_recall5"] == 0
    assert "species_map" not in found.metrics
    assert "species_map" not in found.scale["random"]
    assert found.metrics["color_map"].n == 8


def test_one_image_has_no_neighbours():
    with pytest.raises(UserError, match="two test images"):
        outcome_of(blooms.make_blooms({"train": 1, "val": 1, "test": 1}), palette)


def test_without_colour_labels_the_descriptor_says_what_is_alike(tiny_blooms):
    card = {"labels": ("species",)}
    by_color, by_place = (outcome_of(tiny_blooms, encode, **card) for encode in (described, layout))
    names = {"species", "color", "species_and_color"}
    assert {name.rsplit("_recall1")[0] for name in by_color.metrics if name.endswith("_recall1")} == names
    assert by_color.metrics["color_map"].low > by_place.metrics["color_map"].high
    assert by_color.metrics["color_recall1"].value == 1
    assert by_color.metrics["color_agreement"].value == 1
    assert by_color.scale["random"]["color_r_precision"] == pytest.approx(0.05, abs=0.03)
    assert by_color.stated == {"foreground": "central half of the crop"}


def sorted_by(dataset, label):
    """The same test images, one class after the other, as files lie in folders."""
    test = dataset.splits["test"]
    rows = np.argsort(test.labels[label], kind="stable")
    return replace(dataset, splits={"test": select_rows(test, rows, "test")})


def test_constant_features_are_at_chance_on_sorted_images():
    """All similarities tie, and images of a class stand together."""
    dataset = sorted_by(blooms.make_blooms({"train": 1, "val": 1, "test": 300}), "color")
    found = outcome_of(dataset, lambda images: images.new_ones(len(images), 3))
    expected = found.scale["random"]
    for name in ("color_map", "color_map_at_r", "species_map", "color_recall10"):
        assert found.metrics[name].value == pytest.approx(expected[name], abs=0.05), name
    described = outcome_of(dataset, lambda images: images.new_ones(len(images), 3), labels=("species",))
    assert described.metrics["color_agreement"].value == pytest.approx(0.5, abs=0.1)


def test_items_are_in_the_order_of_the_images(tiny_blooms):
    found = outcome_of(tiny_blooms, palette)
    features = torch.nn.functional.normalize(Pictures(tiny_blooms, palette).features("test"), dim=1)
    similarity = (features @ features.T).fill_diagonal_(-2)
    colors = torch.from_numpy(tiny_blooms.splits["test"].labels["color"])
    assert np.array_equal(found.items["color_recall1"], (colors[similarity.argmax(dim=1)] == colors).numpy())
