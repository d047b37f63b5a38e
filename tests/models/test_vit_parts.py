"""timm's ViTs in two parts: together they are timm's network, and what lies inside is read off them."""

from __future__ import annotations

import pytest
import torch

from loocbench.errors import UserError
from loocbench.models import architectures, backbone_names, vit_parts
from loocbench.models.inside import describe_inside, measure_dimensions, read_inside
from loocbench.models.network import Network
from loocbench.types import Architecture

timm = pytest.importorskip("timm")
SIZE = 48  # 3 x 3 patches


def images(size=SIZE):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def build_both(name, *, separate=False, spaces=("invariant",), size=SIZE):
    """The network in two parts, and timm's own with the weights of its trunk and of its first last stage."""
    torch.manual_seed(0)
    network = Network(f"timm:{name}", spaces, separate=separate, embedding_dim=8, image_size=size).eval()
    first = next(iter(network.stages))
    renamed = {vit_parts.to_timm_name(key, first): value for key, value in network.state_dict().items()}
    witness = timm.create_model(name, num_classes=0, img_size=size).eval()
    witness.load_state_dict({key: value for key, value in renamed.items() if key}, strict=True)
    return network, witness


# A class token; registers; attention pooling; and a network of ordinary depth.
@pytest.mark.parametrize("name", ["test_vit", "test_vit2", "test_vit3", "vit_tiny_patch16_224"])
def test_the_two_parts_give_timms_own_features(name):
    network, witness = build_both(name)
    with torch.inference_mode():
        torch.testing.assert_close(network.features(images())["general"], witness(images()), rtol=0, atol=1e-6)
    assert network.dim == witness.num_features


def test_the_last_quarter_of_the_blocks_is_the_last_stage():
    network, _ = build_both("vit_tiny_patch16_224")
    assert list(dict(network.trunk.vit.blocks.named_children())) == [str(number) for number in range(9)]
    assert list(dict(network.stages["general"].vit.blocks.named_children())) == ["9", "10", "11"]


def test_looc_plus_plus_has_independent_copies_and_the_trunk_is_shared():
    spaces = ("invariant", "color")
    network, _ = build_both("test_vit", separate=True, spaces=spaces)
    one, other = (network.stages[name].vit.blocks[0].attn.qkv.weight for name in spaces)
    assert not torch.equal(one, other)
    network(images())[1].sum().backward()  # through the space "color" alone
    assert not any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.stages["invariant"].parameters())
    for part in (network.trunk, network.stages["color"]):
        assert all(p.grad is not None for p in part.parameters())


@torch.inference_mode()
def read(network, name):
    parts = describe_inside(network).parse(name)
    every = read_inside(network, parts).forward_spaces(images())
    for space, values in network.forward_spaces(images()).items():
        torch.testing.assert_close(every[space], values)
    return torch.cat([every[part] for part in parts], dim=1)


@pytest.mark.parametrize("name", ["test_vit", "test_vit2"])
def test_blocks_are_those_of_timms_network(name):
    """Witness: the same names read off timm's whole network."""
    network, witness = build_both(name)
    whole = architectures.build_architecture(Architecture(name=f"timm:{name}", options={"img_size": SIZE}))
    whole.net.load_state_dict(witness.state_dict())
    whole.eval()
    assert describe_inside(network).list_blocks() == describe_inside(whole).list_blocks()
    for features in (*describe_inside(whole).list_blocks(), "blocks:-4"):
        torch.testing.assert_close(read(network, features), read(whole, features), rtol=0, atol=1e-6)


def test_looc_plus_plus_offers_the_blocks_of_its_trunk():
    network, witness = build_both("test_vit", separate=True, spaces=("invariant", "color"))
    inside = describe_inside(network)
    assert inside.list_blocks() == [f"block:{number}" for number in range(5)]
    with torch.inference_mode():
        _, (block,) = witness.forward_intermediates(images(), indices=[4], norm=True, output_fmt="NLC")
    torch.testing.assert_close(read(network, "block:-1")[:, 64:], block.mean(dim=1), rtol=0, atol=1e-6)
    assert measure_dimensions(network, SIZE) == {
        **dict.fromkeys(("invariant", "color"), 64),
        **dict.fromkeys(("projection:invariant", "projection:color"), 8),
        **{f"block:{number}:{token}": 64 for number in range(5) for token in ("cls", "patch")},
    }


def test_positions_are_resampled_as_timm_does_it():
    small, large = (timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=size) for size in (48, 64))
    values = small.pos_embed.detach().clone()
    small.set_input_size((64, 64))
    before = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=48)
    assert torch.equal(vit_parts.resample_positions(values, before, large), small.pos_embed)


def test_a_network_with_options_is_known_by_its_function():
    options = {"patch_size": 16, "embed_dim": 192, "depth": 12, "num_heads": 3, "img_size": 64}

    def find(**changes):
        described = Architecture(name="timm:vit_base_patch16_224", options={**options, **changes})
        return vit_parts.find_same_vit(architectures.build_without_weights(described).net, "vit_base_patch16_224")

    assert find() == "vit_tiny_patch16_224"
    for changes in ({"num_heads": 6}, {"depth": 11}, {"layer_norm_eps": 1e-5}, {"global_pool": "avg"}):
        assert find(**changes) == ""


def test_other_networks_and_sizes_are_refused():
    assert backbone_names.resolve_trainable("timm:vit_small_patch16_224.augreg_in1k") == "timm:vit_small_patch16_224"
    assert backbone_names.default_image_size("timm:test_vit") == 160
    for name in (
        "resnet18",
        "swin_tiny_patch4_window7_224",
        "deit_tiny_distilled_patch16_224",
        "eva02_tiny_patch14_224",
    ):
        with pytest.raises(UserError, match=f"cannot train timm:{name}, for it is not a plain ViT"):
            backbone_names.resolve_trainable(f"timm:{name}")
    with pytest.raises(UserError, match="Did you mean 'timm:vit_tiny_patch16_224'"):
        backbone_names.resolve_trainable("vit_tiny_patch16_224")
    with pytest.raises(UserError, match="patches of 16 px, and 100 is not a multiple; give --image-size 96"):
        backbone_names.require_image_size("timm:test_vit", 100)
