"""loocbench.checkpoints.foreign.vits: ViTs are recognised, with class token and mean of patches as spaces."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

import loocbench
from loocbench.checkpoints.foreign import preprocessing, recognising
from loocbench.errors import UserError
from tests.checkpoints.foreign.file_layouts import linear, prefixed
from tests.checkpoints.foreign.helpers import (
    compute_spaces,
    import_file,
    random_images,
)
from tests.checkpoints.foreign.vit_layouts import (
    assert_all_features_equal,
    build_tiny_vit,
    build_vit,
    dino,
    mmpretrain,
    moco_v3,
    perturbed,
    tokens,
    transformers_names,
)

timm = pytest.importorskip("timm")


@pytest.mark.parametrize(
    ("family", "build"),
    [
        ("DINO (official)", dino),
        ("MoCo v3 (official)", moco_v3),
        ("mmpretrain", mmpretrain),
        ("transformers", transformers_names),
        ("timm", lambda s: {**s, **linear("head", 192, 1000)}),
        ("solo-learn", lambda s: {"state_dict": {**prefixed("backbone.", s), **linear("projector.0", 192, 64)}}),
    ],
)
def test_a_vit_imports_whole_from_every_layout_and_gives_its_tokens(family, build, tmp_path):
    net = build_vit()
    torch.save(build(net.state_dict()), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth")
    assert found.family == family
    assert found.unknown == ()
    assert len(found.match.weights) == len(net.state_dict())
    assert any("3 attention heads" in note for note in found.notes)  # shapes do not say it
    assert checkpoint.card.preprocessing.image_size == 64
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_mocos_small_vit_has_twelve_heads(tmp_path):
    net = build_vit("vit_small_patch16_224", num_heads=12)
    torch.save(moco_v3(net.state_dict()), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth")
    assert "12 attention heads, as in MoCo v3's ViT-small" in found.notes
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_openmmlabs_small_moco_must_be_told_its_heads(tmp_path):
    """Its ViT-small has twelve heads with MoCo v3's recipe, six elsewhere."""
    net = build_vit("vit_small_patch16_224", num_heads=12, depth=1)
    state = mmpretrain(net.state_dict())["state_dict"] | {"momentum_encoder.steps": torch.zeros(())}
    torch.save({"state_dict": state}, tmp_path / "vit.pth")
    with pytest.raises(UserError, match=r"how many attention heads .* give --num-heads 12 .* or 6"):
        import_file(tmp_path / "vit.pth")
    _, checkpoint = import_file(tmp_path / "vit.pth", architecture_options={"num_heads": 12})
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_how_many_heads_a_vit_has_can_be_said(tmp_path):
    net = build_vit(num_heads=6)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth", architecture_options={"num_heads": 6})
    assert "6 attention heads, as given" in found.notes
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))
    torch.save(build_tiny_vit().state_dict(), tmp_path / "vit.pth")
    with pytest.raises(UserError, match="64 channels cannot be divided among 5 attention heads"):
        import_file(tmp_path / "vit.pth", architecture_options={"num_heads": 5})


def test_the_spaces_of_a_vit_by_name(tmp_path):
    torch.save(build_vit().state_dict(), tmp_path / "vit.pth")
    encoder = loocbench.load(tmp_path / "vit.pth")
    assert encoder.spaces == ["looc", "looc++", "head:cls", "head:patch"]
    assert encoder.default_features == "looc"
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    both = encoder(pixels, "looc++")
    assert torch.equal(both, torch.cat([encoder(pixels, "head:cls"), encoder(pixels, "head:patch")], dim=1))
    assert both.shape == (2, 384)


def test_a_vit_that_is_named_is_built_for_the_files_images(tmp_path):
    """--arch says which model; how many positions it has, the file."""
    net = build_vit(depth=12)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth", arch="timm:vit_tiny_patch16_224")
    assert found.architecture.options == {"img_size": 64}
    assert checkpoint.card.source.preprocessing.startswith("assumed: as timm states for vit_tiny_patch16_224")
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


@pytest.mark.slow
def test_torchvisions_vit(tmp_path):
    net = perturbed(torchvision.models.vit_b_32(image_size=64))
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = import_file(tmp_path / "vit.pth")
    assert found.architecture.name == "torchvision:vit_b_32"
    assert found.left_out == {"heads": 2}
    kept = []
    net.encoder.register_forward_hook(lambda _, __, output: kept.append(output))
    net.heads = nn.Identity()
    with torch.inference_mode():
        general = net(random_images(64))
    expected = {"general": general, "cls": kept[0][:, 0], "patch": kept[0][:, 1:].mean(dim=1)}
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), expected)
    with pytest.raises(UserError, match="takes images of 64 px; leave --image-size out"):
        import_file(tmp_path / "vit.pth", preprocessing=preprocessing.PreprocessingOverrides(image_size=96))


@pytest.mark.parametrize("name", ["volo_d1_224", "hiera_tiny_224", "vit_tiny_r_s16_p8_224", "samvit_base_patch16"])
def test_positions_that_are_no_plain_grid_are_left_to_the_network(name):
    """Only whether the network is built for the images that it is always built for."""
    with torch.device("meta"):
        state = timm.create_model(name, num_classes=0).state_dict()
    assert recognising.complete_named(f"timm:{name}", state, "", None).architecture.options == {}
