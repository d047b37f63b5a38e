"""loocbench.checkpoints.foreign.position_grid: the grid of a ViT's positions is proven by them, assumed or refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from loocbench.checkpoints.foreign import position_grid
from loocbench.checkpoints.foreign.preprocessing import PreprocessingOverrides
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import compute_spaces, import_file, random_images
from tests.checkpoints.foreign.vit_layouts import assert_all_features_equal, build_vit, tokens


def sines_and_cosines(height: int, width: int, channels: int = 192) -> Tensor:
    """MAE's and MoCo v3's positions [height * width, channels]."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rates = 1 / 10000 ** (torch.arange(channels // 4) / (channels / 4))
    waves = [part(axis.reshape(-1, 1) * rates) for axis in (x, y) for part in (torch.sin, torch.cos)]
    return torch.cat(waves, dim=1)


def smooth(height: int, width: int, channels: int = 192) -> Tensor:
    """Positions like learned ones: similar where they are near one another."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(channels, 1, height + 4, width + 4, generator=generator)
    return torch.nn.functional.avg_pool2d(noise, 5, stride=1).reshape(channels, -1).T


@pytest.mark.parametrize("make", [sines_and_cosines, smooth])
@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("side", [4, 8, 14, 16, 37])
def test_positions_of_a_square_grid_prove_it(make, before, side):
    positions = torch.cat([torch.ones(before, 192), make(side, side)])
    assert position_grid.read_square_grid(positions) == (side, "")
    assert position_grid.read_square_grid(positions[None]) == (side, "")


USED = "positions of a grid of {} × {} patches, resampled to those of square images at every pass"
OBLONG = [(32, 8), (8, 32), (28, 7), (64, 4), (16, 4), (2, 8)]


@pytest.mark.parametrize("make", [sines_and_cosines, smooth])
@pytest.mark.parametrize(("height", "width"), [*OBLONG, (8, 16), (16, 8), (14, 28), (12, 6)])
def test_positions_of_another_grid_tell_it(make, height, width):
    positions = torch.cat([torch.ones(1, 192), make(height, width)])
    assert position_grid.read_grid(positions) == (height, width, USED.format(height, width))


@pytest.mark.parametrize(("height", "width"), OBLONG)
def test_a_network_for_square_images_alone_refuses_them(height, width):
    with pytest.raises(UserError, match=f"are those of a grid of {height} x {width} patches, and this network is for"):
        position_grid.read_square_grid(torch.cat([torch.ones(1, 192), smooth(height, width)]))


@pytest.mark.parametrize("count", [8, 12, 129, 206])
def test_a_number_of_positions_that_is_not_a_square_and_tells_nothing_is_refused(count):
    for read in (position_grid.read_grid, position_grid.read_square_grid):
        with pytest.raises(UserError, match=rf"^{count} positions are not .* by the line grid = \[ROWS, COLUMNS\]"):
            read(torch.ones(count, 64))


def test_a_stated_grid_is_taken_if_it_has_as_many_patches():
    assert position_grid.read_grid(torch.ones(129, 64), stated=(8, 16)) == (8, 16, USED.format(8, 16))
    assert position_grid.read_grid(torch.ones(257, 64), stated=(16, 16)) == (16, 16, "")
    with pytest.raises(
        UserError, match=r"8 x 15 patches is stated, and the file has 129 positions; correct the line g"
    ):
        position_grid.read_grid(torch.ones(129, 64), stated=(8, 15))


def test_registers_may_have_positions():
    assert position_grid.read_square_grid(torch.ones(261, 64), registers=4)[0] == 16


def test_positions_without_order_prove_nothing():
    generator = torch.Generator().manual_seed(0)
    for count, channels in ((196, 192), (16, 64), (64, 64), (256, 384)):
        for _ in range(20):
            side, note = position_grid.read_square_grid(torch.randn(count, channels, generator=generator))
            assert note == f"a square grid of {side} × {side} patches, which the positions do not prove"


@pytest.mark.parametrize(("arch", "depth"), [("", 1), ("timm:vit_tiny_patch16_224", 2)])
@pytest.mark.parametrize(("height", "width"), [(32, 8), (4, 8)])
def test_a_vit_for_wide_images_is_built_for_them_and_sees_square_ones(
    arch, depth, height, width, tmp_path, monkeypatch
):
    """Its positions are resampled as timm does it in the source model; 256 are not taken for those of 16 x 16."""
    timm = pytest.importorskip("timm")
    whole = timm.create_model  # the named network has two blocks for its twelve, so that it is small
    monkeypatch.setattr(timm, "create_model", lambda name, **options: whole(name, **{"depth": 2, **options}))
    net = build_vit(img_size=(16 * height, 16 * width), depth=depth, dynamic_img_size=True)
    with torch.no_grad():
        net.pos_embed.copy_(torch.cat([torch.zeros(1, 192), sines_and_cosines(height, width)])[None])
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    overrides = PreprocessingOverrides(image_size=96)
    found, checkpoint = import_file(tmp_path / "vit.pth", arch=arch, preprocessing=overrides)
    assert found.architecture.options["img_height"] == 16 * height
    assert USED.format(height, width) in checkpoint.card.source.assumed
    assert_all_features_equal(compute_spaces(checkpoint, random_images(96)), tokens(net, random_images(96)))


def test_images_as_large_as_those_of_the_file_are_the_default(tmp_path):
    pytest.importorskip("timm")
    net = build_vit(img_size=(512, 128), depth=1)
    with torch.no_grad():
        net.pos_embed.copy_(torch.cat([torch.zeros(1, 192), sines_and_cosines(32, 8)])[None])
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    assert import_file(tmp_path / "vit.pth")[0].preprocessing.values.image_size == 256


def test_a_key_map_says_the_grid_that_the_positions_do_not_tell(tmp_path):
    pytest.importorskip("timm")
    net = build_vit(img_size=(32, 96), depth=1)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    with pytest.raises(UserError, match=r"13 positions .* by the line grid = \[ROWS, COLUMNS\]"):
        import_file(tmp_path / "vit.pth")
    (tmp_path / "map.toml").write_text("grid = [2, 6]")
    found, _ = import_file(tmp_path / "vit.pth", key_map=tmp_path / "map.toml")
    assert (found.architecture.options["img_height"], found.architecture.options["img_width"]) == (32, 96)
    assert found.match.complete


def test_an_unproven_grid_is_said_of_the_checkpoint(tmp_path):
    pytest.importorskip("timm")
    torch.save(build_vit(depth=1).state_dict(), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth")
    note = "a square grid of 4 × 4 patches, which the positions do not prove"
    assert note in found.notes
    assert note in checkpoint.card.source.assumed
