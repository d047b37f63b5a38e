"""loocbench.checkpoints.foreign.position_grid: the grid of a ViT's positions is proven by them, assumed or refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from loocbench.checkpoints.foreign import position_grid
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import import_file
from tests.checkpoints.foreign.vit_layouts import build_vit


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


@pytest.mark.parametrize("make", [sines_and_cosines, smooth])
@pytest.mark.parametrize(("height", "width"), [(32, 8), (8, 32), (28, 7), (64, 4), (16, 4), (2, 8)])
def test_positions_of_another_grid_are_refused(make, height, width):
    with pytest.raises(UserError, match=f"are those of a grid of {height} x {width} patches, not of .* square; build"):
        position_grid.read_square_grid(torch.cat([torch.ones(1, 192), make(height, width)]))


@pytest.mark.parametrize("count", [8, 12, 129, 206])
def test_a_number_of_positions_that_is_not_a_square_is_refused(count):
    with pytest.raises(UserError, match=f"^{count} positions are not those of a square grid of patches"):
        position_grid.read_square_grid(torch.ones(count, 64))


def test_registers_may_have_positions():
    assert position_grid.read_square_grid(torch.ones(261, 64), registers=4)[0] == 16


def test_positions_without_order_prove_nothing():
    generator = torch.Generator().manual_seed(0)
    for count, channels in ((196, 192), (16, 64), (64, 64), (256, 384)):
        for _ in range(20):
            side, note = position_grid.read_square_grid(torch.randn(count, channels, generator=generator))
            assert note == f"a square grid of {side} × {side} patches, which the positions do not prove"


@pytest.mark.parametrize("arch", ["", "timm:vit_tiny_patch16_224"])
def test_a_vit_for_wide_images_is_not_taken_for_one_for_square_images(arch, tmp_path):
    """256 positions of 512 x 128 px were taken for those of 256 x 256 px."""
    pytest.importorskip("timm")
    net = build_vit(img_size=(512, 128), depth=1)
    with torch.no_grad():
        net.pos_embed.copy_(torch.cat([torch.zeros(1, 192), sines_and_cosines(32, 8)])[None])
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    with pytest.raises(UserError, match="are those of a grid of 32 x 8 patches, not of 16 x 16"):
        import_file(tmp_path / "vit.pth", arch=arch)


def test_an_unproven_grid_is_said_of_the_checkpoint(tmp_path):
    pytest.importorskip("timm")
    torch.save(build_vit(depth=1).state_dict(), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth")
    note = "a square grid of 4 × 4 patches, which the positions do not prove"
    assert note in found.notes
    assert note in checkpoint.card.source.assumed
