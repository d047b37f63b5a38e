"""Rotation prediction on representations that are known to keep orientation, or to lose it.

Covers loocbench.evaluators.rotation.
"""

import pytest

from loocbench.cards import tasks
from loocbench.data import blooms
from tests.conftest import rendered_once
from tests.evaluators.pictures import Pictures, evaluate, layout, palette


@pytest.fixture(scope="module")
def flowers():
    return rendered_once(blooms.make_blooms({"train": 150, "val": 60, "test": 90}))


def outcome_of(flowers, encode):
    return evaluate(tasks.load_task("rotation/blooms"), Pictures(flowers, encode))


def test_where_it_is_bright_tells_the_turn_and_the_mean_colour_does_not(flowers):
    assert outcome_of(flowers, layout).metrics["top1"].value > 0.9
    blind = outcome_of(flowers, palette).metrics["top1"]
    assert blind.value == pytest.approx(0.25, abs=0.02)


def test_an_item_is_an_image_and_not_one_of_its_turns(flowers):
    found = outcome_of(flowers, layout)
    assert found.metrics["top1"].n == 90
    assert found.items["top1"].shape == (90,)
    assert found.items["top1"].mean() == pytest.approx(found.metrics["top1"].value)
