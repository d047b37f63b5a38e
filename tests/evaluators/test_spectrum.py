"""Effective ranks of made representations of pictures: the protocol's images and views, bounds and collapse.

Covers loocbench.evaluators.spectrum.
"""

import numpy as np
import pytest
import torch

from loocbench.cards import tasks
from loocbench.data import blooms
from loocbench.errors import UserError
from loocbench.evaluators import measures_shares, sampling
from loocbench.types import UNCHANGED, Change
from tests.evaluators.pictures import Pictures, both, evaluate, layout, palette
from tests.solvers.test_effective_rank import naive_lidar

FEW = {"images": 50, "lidar_images": 20, "views": 3}


def card_of(**protocol):
    card = tasks.load_task("spectrum/blooms")
    return card.model_copy(update={"protocol": card.protocol.model_copy(update=FEW | protocol)})


def outcome_of(dataset, encode, **protocol):
    return evaluate(card_of(**protocol), Pictures(dataset, encode))


def test_the_numbers_are_the_papers():
    protocol = tasks.load_task("spectrum/blooms").protocol
    assert (protocol.images, protocol.lidar_images, protocol.views, protocol.delta) == (25_600, 1000, 50, 1e-4)


def test_it_is_its_definition_on_the_drawn_images_and_their_views(tiny_blooms):
    found, data = outcome_of(tiny_blooms, both), Pictures(tiny_blooms, both)
    rows = sampling.sample_rows(64, 50, seed=data.seed)
    values = np.linalg.svd(data.features("test", rows=rows).double().numpy(), compute_uv=False)
    shares = values / values.sum() + 1e-7
    assert found.metrics["rankme"].value == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-9)
    rows = sampling.sample_rows(64, 20, seed=data.seed)
    views = [data.features("test", change=Change(view=view, seed=data.seed), rows=rows) for view in (1, 2, 3)]
    assert not torch.equal(views[0], views[1])
    assert found.metrics["lidar"].value == pytest.approx(naive_lidar(torch.stack(views).double().numpy()), rel=1e-5)
    assert (found.metrics["rankme"].n, found.metrics["lidar"].n) == (50, 20)


def test_only_test_images_take_part_and_no_label(tiny_blooms):
    data = Pictures(tiny_blooms, both)
    data.labels = None  # calling it would fail
    evaluate(card_of(), data)
    assert {split for split, _ in data.passes} == {"test"}
    assert [change for _, change in data.passes] == [UNCHANGED, *(Change(view=n, seed=data.seed) for n in (1, 2, 3))]
    assert tasks.load_task("spectrum/blooms").labels == ()


def test_the_most_that_each_could_be_is_stated(tiny_blooms):
    assert outcome_of(tiny_blooms, palette).scale == {"most": {"rankme": 3, "lidar": 3}}
    wide = lambda images: images.flatten(1)  # noqa: E731
    assert outcome_of(tiny_blooms, wide).scale == {"most": {"rankme": 50, "lidar": 19}}


def test_there_is_no_interval(tiny_blooms):
    for metric in outcome_of(tiny_blooms, both).metrics.values():
        assert metric.low == metric.value == metric.high
        assert metric.value > 1


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_a_collapsed_space_has_rank_one(tiny_blooms, size):
    found = outcome_of(tiny_blooms, lambda images: torch.full((len(images), 16), size))
    assert found.metrics["rankme"].value == pytest.approx(1, abs=1e-3)
    assert found.metrics["lidar"].value == 1


def test_the_directions_of_rounding_are_not_counted(tiny_blooms):
    """Features that are the same but for their last bits have scatter in all directions."""
    generator = torch.Generator().manual_seed(1)
    found = outcome_of(tiny_blooms, lambda images: 1 + 1e-7 * torch.randn(len(images), 16, generator=generator))
    assert found.metrics["lidar"].value == 1
    assert found.metrics["rankme"].value == pytest.approx(1, abs=0.01)


def test_every_model_sees_the_same_images(tiny_blooms):
    first, second = (outcome_of(tiny_blooms, encode) for encode in (palette, layout))
    assert first.draws == second.draws != ""


def test_a_single_image_has_no_scatter():
    with pytest.raises(UserError, match="effective ranks need 2 test images; blooms has 1"):
        outcome_of(blooms.make_blooms({"train": 20, "val": 10, "test": 1}), both)


def test_a_single_view_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        tasks.load_task("spectrum/blooms").protocol.model_validate({**FEW, "views": 1, "delta": 1e-4})


def test_it_alone_of_all_kinds_does_not_measure_shares():
    from loocbench.evaluators import KINDS

    assert [name for name in KINDS if not measures_shares(f"{name}/blooms")] == ["spectrum"]
    assert measures_shares("gone/blooms")
