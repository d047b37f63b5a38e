"""loocbench.checkpoints.foreign.clip_towers: towers that open_clip itself builds, beside their own forward pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from loocbench.checkpoints.foreign import clip_towers
from tests.checkpoints.foreign.file_layouts import seeded
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images
from tests.checkpoints.foreign.vit_layouts import perturbed

timm = pytest.importorskip("timm")


@pytest.mark.slow
def test_clips_resnet_50_with_attention_pooling(tmp_path):
    """As for CLIP's ViTs the features are those before the projection, which is the pooling's last layer."""
    modified_resnet = pytest.importorskip("open_clip.modified_resnet")
    net = modified_resnet.ModifiedResNet((3, 4, 6, 3), output_dim=1024, heads=32)
    net = seeded(perturbed(net))
    state = {f"visual.{name}": tensor for name, tensor in net.state_dict().items()}
    text = {"token_embedding.weight": torch.zeros(9, 512), "text_projection": torch.zeros(9, 9)}
    torch.save({**state, **text}, tmp_path / "open_clip_pytorch_model.bin")
    found, checkpoint = import_file(tmp_path / "open_clip_pytorch_model.bin")
    assert found.architecture.name == "timm:resnet50_clip"
    assert found.unknown == ()
    assert checkpoint.card.preprocessing.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    net.attnpool.c_proj = nn.Linear(2048, 2048)
    with torch.inference_mode():
        net.attnpool.c_proj.weight.copy_(torch.eye(2048))
        net.attnpool.c_proj.bias.zero_()
        expected = net(random_images(224))
    assert_features_equal(compute_spaces(checkpoint, random_images(224))["general"], expected)


@pytest.fixture
def small_siglip(monkeypatch):
    """timm's SigLIPs of base size have two narrow blocks; test_each_size_of_siglip checks the published sizes."""
    whole, small = timm.create_model, {"embed_dim": 64, "depth": 2, "num_heads": 4}
    monkeypatch.setattr(timm, "create_model", lambda name, **options: whole(name, **{**small, **options}))
    monkeypatch.setitem(clip_towers._SIGLIPS, (64, 2), "base")


@pytest.mark.usefixtures("small_siglip")
@pytest.mark.parametrize(("name", "side"), [("vit_base_patch16_siglip_224", 224), ("vit_base_patch16_siglip_256", 256)])
def test_siglips_trunk_as_open_clip_holds_it(tmp_path, name, side):
    timm_model = pytest.importorskip("open_clip.timm_model")
    net = perturbed(timm_model.TimmModel(name, embed_dim=64, image_size=side, pool="map", proj="none"))
    state = {f"visual.{key}": tensor for key, tensor in net.state_dict().items()}
    torch.save({**state, "logit_scale": torch.zeros(()), "logit_bias": torch.zeros(())}, tmp_path / "siglip.bin")
    found, checkpoint = import_file(tmp_path / "siglip.bin")
    assert (found.family, found.architecture.name) == ("OpenCLIP", f"timm:{name}")
    assert found.unknown == ()
    assert checkpoint.card.preprocessing.mean == pytest.approx((0.5, 0.5, 0.5))
    with torch.inference_mode():
        expected = net(random_images(side))
    assert_features_equal(compute_spaces(checkpoint, random_images(side))["general"], expected)


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("resnet101_clip", "resnet101_clip"),
        ("resnet50x4_clip", "resnet50x4_clip"),
        ("resnet50x64_clip", "resnet50x64_clip"),
    ],
)
def test_each_width_and_depth_of_clips_resnets(name, arch):
    """By the shapes that open_clip builds, without memory."""
    modified_resnet = pytest.importorskip("open_clip.modified_resnet")
    layers, width, size = {
        "resnet101_clip": ((3, 4, 23, 3), 64, 224),
        "resnet50x4_clip": ((4, 6, 10, 6), 80, 288),
        "resnet50x64_clip": ((3, 15, 36, 10), 128, 448),
    }[name]
    with torch.device("meta"):
        net = modified_resnet.ModifiedResNet(layers, 512, width // 2, image_size=size, width=width)
    assert clip_towers.recognise_resnet(net.state_dict()).architecture.name == f"timm:{arch}"


@pytest.mark.parametrize(
    "size",
    [
        "base_patch16_siglip_224",
        "base_patch16_siglip_256",
        "base_patch16_siglip_384",
        "large_patch16_siglip_256",
        "so400m_patch14_siglip_378",
    ],
)
def test_each_size_of_siglip(size):
    with torch.device("meta"):
        state = timm.create_model(f"vit_{size}", num_classes=0).state_dict()
    assert clip_towers.recognise_siglip(state).architecture.name == f"timm:vit_{size}"


def test_what_is_neither_is_not_recognised():
    with torch.device("meta"):
        state = timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict()
    assert clip_towers.recognise_siglip(state) is None
    assert clip_towers.recognise_resnet(state) is None
