"""loocbench.checkpoints.foreign.timm_names: DINOv2 and CLIP through timm's own conversion, and timm's other models."""

from __future__ import annotations

import re

import pytest
import torch
from safetensors.torch import save_file

from loocbench.checkpoints.foreign import inspecting
from loocbench.errors import UserError
from tests.checkpoints.foreign.file_layouts import linear
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)
from tests.checkpoints.foreign.vit_layouts import (
    State,
    assert_all_features_equal,
    build_vit,
    name_as_open_clip,
    perturbed,
    tokens,
)

timm = pytest.importorskip("timm")


@pytest.mark.parametrize("registers", [0, 4])
def test_dinov2_in_its_own_names(tmp_path, registers):
    """facebookresearch/dinov2 has a mask token, and with registers the class token's position apart from it."""
    name = f"vit_small_patch14_{'reg4_' if registers else ''}dinov2"
    net = build_vit(name, img_size=70, depth=12)
    state = {"mask_token": torch.zeros(1, 384), **net.state_dict()}
    if registers:
        state["register_tokens"] = state.pop("reg_token")
        first = torch.randn(1, 1, 384) * 0.02
        state["pos_embed"] = torch.cat([first, state["pos_embed"]], dim=1)
        state["cls_token"] = state["cls_token"] - first
    torch.save(state, tmp_path / "dinov2.pth")
    found, checkpoint = import_file(tmp_path / "dinov2.pth")
    assert found.architecture.name == f"timm:{name}"
    found_spaces, expected = compute_spaces(checkpoint, random_images(70)), tokens(net, random_images(70))
    assert found_spaces.keys() == expected.keys()
    for space, values in expected.items():
        # adding the position to the class token beforehand rounds differently where there are registers
        torch.testing.assert_close(found_spaces[space], values, rtol=1e-5, atol=1e-5 if registers else 1e-6)


@pytest.fixture
def short_vits(monkeypatch):
    """Every ViT of timm has one block for its twelve, so that it is small."""
    whole = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: whole(name, **{"depth": 1, **options}))


@pytest.mark.usefixtures("short_vits")
def test_clips_image_tower_in_openclips_names(tmp_path):
    name = "vit_base_patch32_clip_quickgelu_224"
    net = perturbed(timm.create_model(name, num_classes=0))
    save_file({key: tensor.clone() for key, tensor in name_as_open_clip(net).items()}, tmp_path / "clip.safetensors")
    with pytest.raises(UserError, match="GELU or QuickGELU is not in the file; name it: --arch timm:vit_base_patch32"):
        inspecting.inspect_file(tmp_path / "clip.safetensors")
    found, checkpoint = import_file(tmp_path / "clip.safetensors", arch=f"timm:{name}")
    assert found.family == "CLIP"
    assert found.unknown == ()
    assert checkpoint.card.preprocessing.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    assert checkpoint.card.preprocessing.interpolation == "bicubic"
    assert_all_features_equal(compute_spaces(checkpoint, random_images(224)), tokens(net, random_images(224)))


@pytest.mark.usefixtures("short_vits")
def test_clip_as_open_clip_itself_builds_it(tmp_path):
    """The real library's tower: its own pooled output before the projection, and its own tokens."""
    open_clip = pytest.importorskip("open_clip")
    vision = open_clip.CLIPVisionCfg(layers=1, width=768, patch_size=32)
    text = open_clip.CLIPTextCfg(layers=1, width=64, heads=1, vocab_size=9)
    net = perturbed(open_clip.CLIP(512, vision, text, quick_gelu=True))  # ViT-B-32-quickgelu, but for the depth
    torch.save(net.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    found, checkpoint = import_file(
        tmp_path / "open_clip_pytorch_model.bin", arch="timm:vit_base_patch32_clip_quickgelu_224"
    )
    assert found.unknown == ()
    net.visual.proj, net.visual.output_tokens = None, True
    with torch.inference_mode():
        general, every = net.visual(random_images(224))
    found_spaces = compute_spaces(checkpoint, random_images(224))
    assert_features_equal(found_spaces["general"], general)
    assert_features_equal(found_spaces["patch"], every.mean(dim=1))


def clip(patch: int, size: int) -> State:
    net = timm.create_model("vit_medium_patch16_clip_224", num_classes=0, depth=1, patch_size=patch, img_size=size)
    return name_as_open_clip(perturbed(net))


@pytest.fixture
def short_clip(short_vits):
    """The CLIP of medium width."""
    return "timm:vit_medium_patch16_clip_224"


def test_a_clip_of_other_patches_is_not_resampled_into_the_named_one(short_clip, tmp_path):
    torch.save(clip(32, 224), tmp_path / "clip.pth")
    with pytest.raises(UserError, match=r"would have to be resampled to become .*patch_embed\.proj\.weight"):
        import_file(tmp_path / "clip.pth", arch=short_clip)


def test_a_clip_for_larger_images_keeps_its_own_positions(short_clip, tmp_path):
    state = clip(16, 256)
    torch.save(state, tmp_path / "clip.pth")
    found, checkpoint = import_file(tmp_path / "clip.pth", arch=short_clip)
    assert found.architecture.options == {"img_size": 256}
    assert torch.equal(checkpoint.weights["net.pos_embed"][0], state["visual.positional_embedding"])


def test_any_timm_model_gives_its_pooled_features(tmp_path):
    net = perturbed(timm.create_model("mobilenetv3_small_050", pretrained=False))
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    found, checkpoint = import_file(tmp_path / "model.safetensors", arch="timm:mobilenetv3_small_050")
    assert found.left_out == {"classifier": 2}
    assert found.preprocessing.known_from.startswith("assumed: as timm states for mobilenetv3_small_050")
    with torch.inference_mode():
        expected = net.forward_head(net.forward_features(random_images(64)), pre_logits=True)
    assert_features_equal(compute_spaces(checkpoint, random_images(64))["general"], expected)


def test_without_timm_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    torch.save(build_vit().state_dict(), tmp_path / "vit.pth")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"this needs timm; install it with: pip install 'loocbench\[timm\]'"):
        inspecting.inspect_file(tmp_path / "vit.pth")


def name_as_dinov2_trains(state: State, chunks: int, *, counted_within: bool = False) -> dict:
    """The teacher as facebookresearch/dinov2 saves it for evaluation; its blocks lie in chunks, as FSDP wants them."""
    out = {}
    for name, tensor in state.items():
        match = re.match(r"blocks\.(\d+)\.(.*)", name)
        number = int(match[1]) if match else 0
        if match:
            name = f"blocks.{number // chunks}.{number % chunks if counted_within else number}.{match[2]}"
        out[f"backbone.{name}"] = tensor
    heads = {**linear("dino_head.mlp.0", 64, 96), **linear("ibot_head.mlp.0", 64, 96)}
    return {"teacher": {**out, "backbone.mask_token": torch.zeros(1, 64), **heads}}


@pytest.mark.parametrize("wrapped", ["", "_fsdp_wrapped_module."])
@pytest.mark.parametrize(("chunks", "counted_within"), [(1, True), (2, False), (2, True), (4, False)])
def test_dinov2_as_its_training_saves_it(tmp_path, chunks, counted_within, wrapped):
    """A network of a user's own size, in chunks of blocks."""
    net = build_vit(img_size=56, patch_size=14, embed_dim=64, num_heads=1, depth=4, init_values=1e-5)
    content = name_as_dinov2_trains(net.state_dict(), chunks, counted_within=counted_within)
    content["teacher"] = {re.sub(r"(blocks\.)", rf"{wrapped}\1", name): t for name, t in content["teacher"].items()}
    torch.save(content, tmp_path / "teacher_checkpoint.pth")
    found, checkpoint = import_file(tmp_path / "teacher_checkpoint.pth")
    assert (found.family, found.unknown) == ("DINO (official)", ())
    assert found.notes[0] == "names translated from DINOv2's chunks of blocks"
    assert_all_features_equal(compute_spaces(checkpoint, random_images(56)), tokens(net, random_images(56)))


def test_dinov2_with_registers_of_ones_own_training(tmp_path):
    net = build_vit(img_size=64, embed_dim=64, num_heads=1, init_values=1e-5, reg_tokens=4, no_embed_class=True)
    state = net.state_dict()
    state["register_tokens"] = state.pop("reg_token")
    state["pos_embed"] = torch.cat([torch.zeros(1, 1, 64), state["pos_embed"]], dim=1)
    torch.save(name_as_dinov2_trains(state, 1), tmp_path / "teacher_checkpoint.pth")
    found, checkpoint = import_file(tmp_path / "teacher_checkpoint.pth")
    assert found.architecture.options["reg_tokens"] == 4
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_a_block_that_a_dinov2_lacks_is_missing(tmp_path):
    net = build_vit(img_size=56, patch_size=14, embed_dim=64, num_heads=1, depth=4, init_values=1e-5)
    state = {name: tensor for name, tensor in net.state_dict().items() if not name.startswith("blocks.1.")}
    torch.save(name_as_dinov2_trains(state, 2), tmp_path / "net.pth")
    with pytest.raises(UserError, match=r"missing net\.blocks\.1\.norm1\.weight"):
        import_file(tmp_path / "net.pth")
