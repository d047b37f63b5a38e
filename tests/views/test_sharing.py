"""Leave-one-out, asserted on the pixels; and views that depend on nothing but their own coordinates.

Covers ``loocbench.views.view_maker``, ``loocbench.views.leave_one_out``.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.data import blooms_render
from loocbench.types import ImageBatch
from loocbench.views import view_maker
from loocbench.views.augmentations import constant_names
from loocbench.views.leave_one_out import leave_one_out_sources, one_shared_sources
from loocbench.views.view_maker import ViewMaker

ALWAYS = constant_names()
SIZE = 24
LEFT_OUT = ("color", "rotation")


def images(count=16, size=SIZE):
    pixels = torch.from_numpy(
        blooms_render.render_blooms(blooms_render.draw_blooms(0, np.arange(count)), size)
    ).permute(0, 3, 1, 2)
    return ImageBatch(pixels, torch.full((count, 2), size))


def views(maker, batch, indices, seed=0, epoch=0):
    return maker.apply(batch, maker.draw(seed, epoch, indices, batch.sizes))


@pytest.fixture(params=["compiled", "torch"])
def path(request, monkeypatch):
    """Both ways to make views on a CPU: the compiled pass, and torch, which GPUs and other augmentations use."""
    if request.param == "torch":
        monkeypatch.setattr(view_maker, "is_fused", lambda augmentations: False)
    return request.param


@pytest.mark.parametrize("crop", [{}, {"crop": (0, 0, 0, 0)}], ids=["by torch", "compiled"])
@pytest.mark.parametrize("position", [0, 1])
def test_with_only_augmentation_i_active_q_and_k_i_are_identical_and_every_other_key_differs(position, crop):
    """The compiled pass always crops: all views share q's."""
    alone = LEFT_OUT[position]
    table = {**crop, alone: leave_one_out_sources(LEFT_OUT, LEFT_OUT)[alone]}
    q, *keys = views(ViewMaker(SIZE, table), images(), np.arange(16))
    for j, key in enumerate(keys):
        same = (q == key).flatten(1).all(dim=1)
        if j == position + 1:
            assert same.all()
        else:
            assert not same.all()


def test_k_i_shares_nothing_else_with_q():
    maker = ViewMaker(SIZE, leave_one_out_sources((*ALWAYS, *LEFT_OUT), LEFT_OUT))
    q, _, *keys = maker.draw(0, 0, np.arange(200), torch.full((200, 2), SIZE))
    for position, key in enumerate(keys):
        for name in q:
            same = all(torch.equal(q[name][field], key[name][field]) for field in q[name])
            assert same == (name == LEFT_OUT[position])


def test_the_table_of_sources_reads_as_the_paper():
    assert leave_one_out_sources(("crop", "color", "rotation"), LEFT_OUT) == {
        "crop": (0, 1, 2, 3),
        "color": (0, 1, 0, 3),
        "rotation": (0, 1, 2, 0),
    }
    assert leave_one_out_sources(("crop", "color"), ()) == {"crop": (0, 1), "color": (0, 1)}  # MoCo: all drawn anew


def test_leaving_out_what_is_not_used_is_refused():
    with pytest.raises(ValueError, match="rotation"):
        leave_one_out_sources(("crop", "color"), ("rotation",))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(8)), cut=st.integers(1, 7), seed=st.integers(0, 2**63), epoch=st.integers(0, 2**20))
def test_a_view_does_not_depend_on_batch_order_or_batch_size(order, cut, seed, epoch):
    maker = ViewMaker(SIZE, leave_one_out_sources((*ALWAYS, *LEFT_OUT), LEFT_OUT))
    batch = images(8, 28)
    whole = views(maker, batch, np.arange(8), seed, epoch)
    for rows in (order[:cut], order[cut:]):
        part = views(maker, ImageBatch(batch.pixels[rows], batch.sizes[rows]), np.array(rows), seed, epoch)
        assert torch.equal(part, whole[:, rows])


def test_a_view_by_torch_does_not_depend_on_batch_order_or_batch_size_beyond_rounding():
    maker = ViewMaker(SIZE, leave_one_out_sources((*ALWAYS, *LEFT_OUT), LEFT_OUT))
    batch, rows = images(8, 28), [5, 2, 7]
    floats = ImageBatch(batch.pixels.float() / 255, batch.sizes)
    part = views(maker, ImageBatch(floats.pixels[rows], floats.sizes[rows]), np.array(rows))
    torch.testing.assert_close(part, views(maker, floats, np.arange(8))[:, rows], rtol=0, atol=1e-6)


def test_large_views_are_the_same_to_the_last_bit_in_any_batch(path):
    maker = ViewMaker(128, leave_one_out_sources((*ALWAYS, *LEFT_OUT), LEFT_OUT))
    batch = images(5, 146)
    whole = views(maker, batch, np.arange(5))
    part = views(maker, ImageBatch(batch.pixels[3:], batch.sizes[3:]), np.arange(3, 5))
    assert torch.equal(part, whole[:, 3:])


def test_views_are_normalised_and_an_earlier_result_can_be_overwritten(path):
    table = leave_one_out_sources(ALWAYS, ())
    plain, batch = ViewMaker(SIZE, table), images()
    maker = ViewMaker(SIZE, table, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    parameters = maker.draw(0, 0, np.arange(16), batch.sizes)
    mean, std = torch.tensor(maker.mean)[:, None, None], torch.tensor(maker.std)[:, None, None]
    expected = (plain.apply(batch, parameters) - mean) / std
    got = maker.apply(batch, parameters)
    torch.testing.assert_close(got, expected)
    memory = torch.zeros_like(got)
    assert maker.apply(batch, parameters, out=memory) is memory
    assert torch.equal(memory, got)
    assert maker.apply(batch, parameters, out=memory[:, :3]).shape == got.shape


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_gives_other_views(change):
    maker = ViewMaker(SIZE, leave_one_out_sources(ALWAYS, ()))
    batch = images()
    assert not torch.equal(views(maker, batch, np.arange(16)), views(maker, batch, np.arange(16), **change))


def test_padding_of_smaller_images_never_shows(path):
    maker = ViewMaker(SIZE, leave_one_out_sources(ALWAYS, ()))
    small = images(4, 28)
    padded = torch.randint(0, 256, (4, 3, 40, 50), dtype=torch.uint8)
    padded[:, :, :28, :28] = small.pixels
    torch.testing.assert_close(
        views(maker, small, np.arange(4)),
        views(maker, ImageBatch(padded, small.sizes), np.arange(4)),
        rtol=0,
        atol=1e-6,
    )


def test_a_key_that_shares_one_draw_differs_from_k_0_in_that_augmentation_alone():
    table = one_shared_sources((*ALWAYS, *LEFT_OUT), LEFT_OUT)
    q, k0, *keys = ViewMaker(SIZE, table).draw(0, 0, np.arange(50), torch.full((50, 2), SIZE))
    for own, key in zip(LEFT_OUT, keys, strict=True):
        for name in table:
            expected = q[name] if name == own else k0[name]
            assert all(torch.equal(key[name][value], expected[value]) for value in expected)
    assert not torch.equal(q["rotation"]["turns"], k0["rotation"]["turns"])
    with pytest.raises(ValueError, match="texture"):
        one_shared_sources(("crop",), ("texture",))
