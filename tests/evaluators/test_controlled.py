"""Controlled retrieval: what is known to be kept is found kept, what is known to be lost is at chance.

Covers loocbench.evaluators.controlled and loocbench.evaluators.sampling.
"""

import pytest
import torch
from torch.nn import functional as F

from loocbench.cards import tasks
from loocbench.changes.ranges import get_range
from loocbench.evaluators import sampling
from loocbench.types import Change
from tests.evaluators.pictures import Pictures, both, evaluate, layout, palette


def outcome_of(dataset, encode, images=64):
    card = tasks.load_task("controlled/blooms")
    protocol = card.protocol.model_copy(update={"images": images})
    return evaluate(card.model_copy(update={"protocol": protocol}), Pictures(dataset, encode))


@pytest.mark.parametrize(
    ("encode", "kept", "lost"), [(palette, "hue_kept", "rotation_kept"), (layout, "rotation_kept", "hue_kept")]
)
def test_each_representation_keeps_what_it_looks_at(tiny_blooms, encode, kept, lost):
    found = outcome_of(tiny_blooms, encode).metrics
    assert found[kept].value > 0.85
    assert found[lost].low < 0.5 < found[lost].high + 0.1
    assert found[lost].value < 0.65


def test_the_share_grows_with_the_change(tiny_blooms):
    curve = [point["kept"] for point in outcome_of(tiny_blooms, palette).curve if "hue" in point]
    assert curve == sorted(curve)
    assert len(curve) == len(get_range("hue").strengths)


def test_it_is_its_definition(tiny_blooms):
    """A naive loop over images, strengths and distractors."""
    found, data = outcome_of(tiny_blooms, both, images=20), Pictures(tiny_blooms, both)
    rows = sampling.sample_rows(64, 20, seed=data.seed)
    query, copy = (
        F.normalize(data.features("test", change=change, rows=rows).double(), dim=1)
        for change in (Change(), Change(view=1, seed=data.seed))
    )
    for point in found.curve:
        ((name, strength),) = [(name, value) for name, value in point.items() if name in ("hue", "rotation")]
        change = Change(name, strength, view=2, seed=data.seed)
        changed = F.normalize(data.features("test", change=change, rows=rows).double(), dim=1)
        kept = first = 0.0
        for i in range(20):
            own, other = float(query[i] @ copy[i]), float(query[i] @ changed[i])
            kept += 1.0 if own > other + 1e-12 else 0.5 if own > other - 1e-12 else 0.0
            every = [own, other, *(float(query[i] @ copy[j]) for j in range(20) if j != i)]
            nearest = [one for one in every if one > max(every) - 1e-12]
            first += 1 / len(nearest) if own in nearest else 0.0
        assert (point["kept"], point["first"]) == pytest.approx((kept / 20, first / 20))


def test_the_scale_is_chance_and_perfection(tiny_blooms):
    found = outcome_of(tiny_blooms, palette)
    assert found.scale["random"]["hue_kept"] == 0.5
    assert found.scale["random"]["hue_first"] == pytest.approx(1 / 65)
    assert set(found.scale["oracle"].values()) == {1.0}
    noise = outcome_of(tiny_blooms, lambda images: torch.randn(len(images), 64, generator=torch.Generator()))
    assert noise.metrics["hue_kept"].value == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("dim", [8, 64, 512])
@pytest.mark.parametrize("images", [7, 50])
def test_features_that_are_the_same_for_all_images_are_at_chance(tiny_blooms, dim, images):
    """Products of other shapes round differently, which made a constant network keep everything."""
    value = torch.rand(dim, generator=torch.Generator().manual_seed(dim))
    found = outcome_of(tiny_blooms, lambda pictures: value.repeat(len(pictures), 1), images)
    for name, metric in found.metrics.items():
        assert (name, metric.value) == (name, pytest.approx(found.scale["random"][name], abs=1e-12))


def test_every_model_sees_the_same_images(tiny_blooms):
    first, second = (outcome_of(tiny_blooms, encode, images=20) for encode in (palette, layout))
    assert first.draws == second.draws
    assert len(first.items["hue_kept"]) == 20
