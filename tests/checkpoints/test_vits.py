"""ViTs: class token, mean of patches, both; from torchvision, timm, and the layouts of other libraries."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

import loocbench
from loocbench.checkpoints import locate
from loocbench.checkpoints.foreign import importing, preprocessing
from loocbench.errors import UserError
from loocbench.pretraining.labels import model_label
from tests.checkpoints.foreign_layouts import linear, other, prefixed
from tests.checkpoints.test_families import assert_same, images, imported, spaces_of

timm = pytest.importorskip("timm")

State = dict[str, Tensor]


def perturbed(net: nn.Module) -> nn.Module:
    """No parameter at the value that a fresh network would have, so that a forgotten one is noticed."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return net.eval()


def vit(name: str = "vit_tiny_patch16_224", **options) -> nn.Module:
    return perturbed(timm.create_model(name, num_classes=0, **{"img_size": 64, "depth": 2, **options}))


def tokens(net: nn.Module, pixels: Tensor) -> dict[str, Tensor]:
    """The source model's own output, class token and mean of patches."""
    with torch.inference_mode():
        every = net.forward_features(pixels)
        return {"general": net(pixels), "cls": every[:, 0], "patch": every[:, net.num_prefix_tokens :].mean(dim=1)}


def assert_all_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert_same(found[name], values)


def _dino(s: State) -> dict:
    return {
        "student": other("module.backbone.", s),
        "teacher": {**prefixed("backbone.", s), **linear("head.mlp.0", 192, 2048)},
        "optimizer": {},
    }


def _moco_v3(s: State) -> dict:
    model = {**prefixed("module.base_encoder.", s), **linear("module.base_encoder.head.0", 192, 4096)}
    return {"state_dict": {**model, **other("module.momentum_encoder.", s), **linear("module.predictor.0", 256, 4096)}}


def _mmpretrain(s: State) -> dict:
    out = {}
    for name, tensor in s.items():
        for old, new in (
            (r"^patch_embed\.proj\.", "patch_embed.projection."),
            (r"^blocks\.(\d+)\.norm([12])\.", r"layers.\1.ln\2."),
            (r"^blocks\.(\d+)\.mlp\.fc1\.", r"layers.\1.ffn.layers.0.0."),
            (r"^blocks\.(\d+)\.mlp\.fc2\.", r"layers.\1.ffn.layers.1."),
            (r"^blocks\.", "layers."),
            (r"^norm\.", "ln1."),
        ):
            if re.search(old, name):
                name = re.sub(old, new, name)
                break
        out[f"backbone.{name}"] = tensor
    return {"state_dict": {**out, **linear("head.layers.head", 192, 1000)}}


def _transformers(s: State) -> dict:
    out = {}
    for name, tensor in s.items():
        block = re.match(r"blocks\.(\d+)\.(.*)\.(weight|bias)$", name)
        if block and block[2] == "attn.qkv":
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                out[f"vit.encoder.layer.{block[1]}.attention.attention.{part}.{block[3]}"] = piece.clone()
        elif block:
            place = {
                "norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.output.dense",
                "mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense",
            }[block[2]]  # fmt: skip
            out[f"vit.encoder.layer.{block[1]}.{place}.{block[3]}"] = tensor
        else:
            place = {"cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"}.get(name)
            place = place or name.replace("patch_embed.proj", "embeddings.patch_embeddings.projection")
            out["vit." + place.replace("norm.", "layernorm.")] = tensor
    return {**out, **linear("classifier", 192, 2)}


@pytest.mark.parametrize(
    ("family", "build"),
    [
        ("DINO (official)", _dino),
        ("MoCo v3 (official)", _moco_v3),
        ("mmpretrain", _mmpretrain),
        ("transformers", _transformers),
        ("timm", lambda s: {**s, **linear("head", 192, 1000)}),
        ("solo-learn", lambda s: {"state_dict": {**prefixed("backbone.", s), **linear("projector.0", 192, 64)}}),
    ],
)
def test_a_vit_imports_whole_from_every_layout_and_gives_its_tokens(family, build, tmp_path):
    net = vit()
    torch.save(build(net.state_dict()), tmp_path / "vit.pth")
    found, checkpoint = imported(tmp_path / "vit.pth")
    assert found.family == family
    assert found.unknown == ()
    assert len(found.match.weights) == len(net.state_dict())
    assert any("3 attention heads" in note for note in found.notes)  # shapes do not say it
    assert checkpoint.card.preprocessing.image_size == 64
    assert_all_same(spaces_of(checkpoint, images(64)), tokens(net, images(64)))


def test_mocos_small_vit_has_twelve_heads(tmp_path):
    net = vit("vit_small_patch16_224", num_heads=12)
    torch.save(_moco_v3(net.state_dict()), tmp_path / "vit.pth")
    found, checkpoint = imported(tmp_path / "vit.pth")
    assert "12 attention heads, as in MoCo v3's ViT-small" in found.notes
    assert_all_same(spaces_of(checkpoint, images(64)), tokens(net, images(64)))


def test_the_spaces_of_a_vit_by_name(tmp_path):
    torch.save(vit().state_dict(), tmp_path / "vit.pth")
    encoder = loocbench.load(tmp_path / "vit.pth")
    assert encoder.spaces == ["looc", "looc++", "head:cls", "head:patch"]
    assert encoder.default_features == "looc"
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    both = encoder(pixels, "looc++")
    assert torch.equal(both, torch.cat([encoder(pixels, "head:cls"), encoder(pixels, "head:patch")], dim=1))
    assert both.shape == (2, 384)


@pytest.mark.parametrize("registers", [0, 4])
def test_dinov2_in_its_own_names(tmp_path, registers):
    """facebookresearch/dinov2 has a mask token, and with registers the class token's position apart from it."""
    name = f"vit_small_patch14_{'reg4_' if registers else ''}dinov2"
    net = vit(name, img_size=70, depth=12)
    state = {"mask_token": torch.zeros(1, 384), **net.state_dict()}
    if registers:
        state["register_tokens"] = state.pop("reg_token")
        first = torch.randn(1, 1, 384) * 0.02
        state["pos_embed"] = torch.cat([first, state["pos_embed"]], dim=1)
        state["cls_token"] = state["cls_token"] - first
    torch.save(state, tmp_path / "dinov2.pth")
    found, checkpoint = imported(tmp_path / "dinov2.pth")
    assert found.architecture.name == f"timm:{name}"
    found_spaces, expected = spaces_of(checkpoint, images(70)), tokens(net, images(70))
    assert found_spaces.keys() == expected.keys()
    for space, values in expected.items():
        # adding the position to the class token beforehand rounds differently where there are registers
        torch.testing.assert_close(found_spaces[space], values, rtol=1e-5, atol=1e-5 if registers else 1e-6)


def test_dinov2_in_transformers_names(tmp_path):
    """As Dinov2Model.save_pretrained names them: without a prefix, layer scale as lambda1."""
    net = vit("vit_small_patch14_dinov2", img_size=70, depth=12)
    plain = {name: tensor for name, tensor in net.state_dict().items() if ".ls" not in name}
    state = {name.removeprefix("vit."): tensor for name, tensor in _transformers(plain).items()}
    for name, tensor in net.state_dict().items():
        if scale := re.match(r"blocks\.(\d+)\.ls([12])\.gamma", name):
            state[f"encoder.layer.{scale[1]}.layer_scale{scale[2]}.lambda1"] = tensor
    renamed = {
        re.sub(r"intermediate\.dense|(?<!attention\.)output\.dense", _mlp, name)
        .replace("layernorm_before", "norm1")
        .replace("layernorm_after", "norm2"): tensor
        for name, tensor in state.items()
        if not name.startswith("classifier")
    }
    save_file({**renamed, "embeddings.mask_token": torch.zeros(1, 384)}, tmp_path / "model.safetensors")
    found, checkpoint = imported(tmp_path / "model.safetensors")
    assert found.family == "transformers"
    assert found.architecture.name == "timm:vit_small_patch14_dinov2"
    assert_all_same(spaces_of(checkpoint, images(70)), tokens(net, images(70)))


def _mlp(name: re.Match[str]) -> str:
    return "mlp.fc1" if name[0].startswith("intermediate") else "mlp.fc2"


def test_a_vit_at_another_resolution_keeps_its_weights(tmp_path):
    net = vit()
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    _, checkpoint = imported(tmp_path / "vit.pth", preprocessing=preprocessing.PreprocessingOverrides(image_size=96))
    dynamic = vit(dynamic_img_size=True)
    dynamic.load_state_dict(net.state_dict())
    assert torch.equal(checkpoint.weights["net.pos_embed"], net.state_dict()["pos_embed"])
    assert_all_same(spaces_of(checkpoint, images(96)), tokens(dynamic, images(96)))


def test_a_vit_that_is_named_is_built_for_the_files_images(tmp_path):
    """--arch says which model; how many positions it has, the file."""
    net = vit(depth=12)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = imported(tmp_path / "vit.pth", arch="timm:vit_tiny_patch16_224")
    assert found.architecture.options == {"img_size": 64}
    assert checkpoint.card.source.preprocessing.startswith("stated by timm for vit_tiny_patch16_224")
    assert_all_same(spaces_of(checkpoint, images(64)), tokens(net, images(64)))


@pytest.mark.slow
def test_torchvisions_vit(tmp_path):
    net = perturbed(torchvision.models.vit_b_32(image_size=64))
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = imported(tmp_path / "vit.pth")
    assert found.architecture.name == "torchvision:vit_b_32"
    assert found.left_out == {"heads": 2}
    kept = []
    net.encoder.register_forward_hook(lambda _, __, output: kept.append(output))
    net.heads = nn.Identity()
    with torch.inference_mode():
        general = net(images(64))
    expected = {"general": general, "cls": kept[0][:, 0], "patch": kept[0][:, 1:].mean(dim=1)}
    assert_all_same(spaces_of(checkpoint, images(64)), expected)
    with pytest.raises(UserError, match="takes images of 64 px; leave --image-size out"):
        imported(tmp_path / "vit.pth", preprocessing=preprocessing.PreprocessingOverrides(image_size=96))


def open_clip_names(net: nn.Module) -> State:
    """A timm image tower's tensors as OpenCLIP calls them."""
    s, out = net.state_dict(), {}
    for name, tensor in s.items():
        block = re.match(r"blocks\.(\d+)\.(.*)", name)
        if block:
            rest = block[2].replace("norm1", "ln_1").replace("norm2", "ln_2").replace("mlp.fc1", "mlp.c_fc")
            rest = rest.replace("mlp.fc2", "mlp.c_proj").replace("attn.proj.", "attn.out_proj.")
            rest = rest.replace("attn.qkv.", "attn.in_proj_")
            out[f"visual.transformer.resblocks.{block[1]}.{rest}"] = tensor
    out |= {
        "visual.conv1.weight": s["patch_embed.proj.weight"],
        "visual.class_embedding": s["cls_token"][0, 0],
        "visual.positional_embedding": s["pos_embed"][0],
        **{f"visual.ln_pre.{kind}": s[f"norm_pre.{kind}"] for kind in ("weight", "bias")},
        **{f"visual.ln_post.{kind}": s[f"norm.{kind}"] for kind in ("weight", "bias")},
        "visual.proj": torch.zeros(768, 512),
    }
    text = {"token_embedding.weight": torch.zeros(9, 512), "positional_embedding": torch.zeros(77, 512)}
    return {**out, **text, "text_projection": torch.zeros(512, 512), "logit_scale": torch.zeros(())}


@pytest.mark.slow
def test_clips_image_tower_in_openclips_names(tmp_path):
    name = "vit_base_patch32_clip_quickgelu_224"
    net = perturbed(timm.create_model(name, num_classes=0))
    save_file({key: tensor.clone() for key, tensor in open_clip_names(net).items()}, tmp_path / "clip.safetensors")
    with pytest.raises(UserError, match="GELU or QuickGELU is not in the file; say so: --arch timm:vit_base_patch32"):
        importing.inspect_file(tmp_path / "clip.safetensors")
    found, checkpoint = imported(tmp_path / "clip.safetensors", arch=f"timm:{name}")
    assert found.family == "CLIP"
    assert found.unknown == ()
    assert checkpoint.card.preprocessing.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    assert "its own is bicubic" in checkpoint.card.source.preprocessing
    assert_all_same(spaces_of(checkpoint, images(224)), tokens(net, images(224)))


@pytest.mark.slow
def test_clip_as_open_clip_itself_builds_it(tmp_path):
    """The real library's tower: its own pooled output before the projection, and its own tokens."""
    open_clip = pytest.importorskip("open_clip")
    net = perturbed(open_clip.create_model("ViT-B-32-quickgelu", pretrained=None))
    torch.save(net.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    found, checkpoint = imported(
        tmp_path / "open_clip_pytorch_model.bin", arch="timm:vit_base_patch32_clip_quickgelu_224"
    )
    assert found.unknown == ()
    net.visual.proj, net.visual.output_tokens = None, True
    with torch.inference_mode():
        general, every = net.visual(images(224))
    found_spaces = spaces_of(checkpoint, images(224))
    assert_same(found_spaces["general"], general)
    assert_same(found_spaces["patch"], every.mean(dim=1))


_VIT = {"hidden_size": 192, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 768}
_DINOV2 = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "size", "options"),
    [
        ("ViT", 64, {**_VIT, "patch_size": 16, "layer_norm_eps": 1e-6}),
        ("Dinov2", 70, {**_DINOV2, "patch_size": 14}),
        ("Dinov2WithRegisters", 70, {**_DINOV2, "patch_size": 14, "num_register_tokens": 4}),
    ],
)
def test_vits_as_transformers_itself_saves_them(model, size, options, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = getattr(transformers, f"{model}Config")(image_size=size, **options)
    net = perturbed(getattr(transformers, f"{model}Model")(config))
    net.save_pretrained(tmp_path)
    found, checkpoint = imported(tmp_path / "model.safetensors")
    assert found.unknown == ()
    with torch.inference_mode():
        every = net(images(size)).last_hidden_state
    found_spaces = spaces_of(checkpoint, images(size))
    assert_same(found_spaces["cls"], every[:, 0])
    assert_same(found_spaces["patch"], every[:, 1 + options.get("num_register_tokens", 0) :].mean(dim=1))


def test_any_timm_model_gives_its_pooled_features(tmp_path):
    net = perturbed(timm.create_model("mobilenetv3_small_050", pretrained=False))
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    found, checkpoint = imported(tmp_path / "model.safetensors", arch="timm:mobilenetv3_small_050")
    assert found.left_out == {"classifier": 2}
    assert found.preprocessing.known_from.startswith("stated by timm for mobilenetv3_small_050")
    with torch.inference_mode():
        expected = net.forward_head(net.forward_features(images(64)), pre_logits=True)
    assert_same(spaces_of(checkpoint, images(64))["general"], expected)


def test_an_untrained_timm_model_and_a_wrong_name():
    assert model_label(locate.load("random:timm:mobilenetv3_small_050").card) == "Random"
    with pytest.raises(UserError, match=r"unknown timm model 'vit_smal'"):
        locate.load("random:timm:vit_smal")


def test_without_timm_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    torch.save(vit().state_dict(), tmp_path / "vit.pth")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"this needs timm; install it with: pip install 'loocbench\[timm\]'"):
        importing.inspect_file(tmp_path / "vit.pth")


def test_timms_pretrained_weights_are_fetched_and_read_as_any_file(tmp_path, monkeypatch):
    """The hub is replaced at its seam by a file; the commit that it names is recorded."""
    from loocbench.checkpoints import hub

    net = perturbed(timm.create_model("mobilenetv3_small_050", pretrained=False))
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    asked = []

    def fetch(repository, revision, names=()):
        asked.append(repository)
        return hub.HubFiles(tmp_path / "model.safetensors", "c0ffee", None)

    monkeypatch.setattr(hub, "fetch", fetch)
    card = locate.load("timm:mobilenetv3_small_050").card
    assert asked == ["timm/mobilenetv3_small_050.lamb_in1k"]
    assert str(card.source).startswith("timm:mobilenetv3_small_050.lamb_in1k@c0ffee, SHA-256 ")


def tiny_vit(**options) -> nn.Module:
    return vit(**{"img_size": 32, "embed_dim": 64, "num_heads": 1, "depth": 1, **options})


_MISSHAPEN = [(), (3,), (0,), (3, 3), (2, 0, 3), (64, 3, 0, 0), (1, 9, 64), (9000, 1, 1, 1)]


@pytest.mark.parametrize("build", [dict, _transformers, _moco_v3], ids=["timm", "transformers", "moco"])
def test_no_misshapen_tensor_of_a_vit_passes_or_ends_in_a_traceback(build, tmp_path):
    """Each tensor that recognition looks at, in each shape that it should not have."""
    whole = build(tiny_vit().state_dict())
    state = whole.get("state_dict", whole)
    parts = "patch_emb|pos|query.weight|key.bias|qkv.w|mlp.fc1.w|inter"
    looked_at = [name for name in state if re.search(parts, name) and "momentum" not in name]
    assert len(looked_at) >= 4
    for name in looked_at:
        for shape in _MISSHAPEN:
            torch.save({**state, name: torch.zeros(shape)}, tmp_path / "vit.pth")
            with pytest.raises(UserError):
                imported(tmp_path / "vit.pth")


_TORCHVISION = {
    "conv_proj.weight": torch.zeros(1, 3, 16, 16).expand(768, -1, -1, -1),
    "class_token": torch.zeros(1, 1, 768),
    "encoder.pos_embedding": torch.zeros(1, 197, 768),
    **{f"encoder.layers.encoder_layer_{number}.ln_1.weight": torch.zeros(768) for number in range(12)},
}
_CLIP = {"conv1.weight": torch.zeros(768, 3, 32, 32), "transformer.resblocks.0.attn.in_proj_weight": torch.zeros(3)}


@pytest.mark.parametrize("shape", _MISSHAPEN)
@pytest.mark.parametrize(
    ("sound", "name"),
    [(_TORCHVISION, "conv_proj.weight"), (_TORCHVISION, "encoder.pos_embedding"), (_CLIP, "conv1.weight")],
)
def test_no_misshapen_tensor_is_taken_for_a_large_vits(sound, name, shape):
    from loocbench.checkpoints.foreign import recognising

    assert recognising.recognise_by_tensors(_TORCHVISION, "").architecture.name == "torchvision:vit_b_16"
    if name == "conv1.weight" and len(shape) == 4 and 0 not in shape:
        pytest.skip("a stem like another")
    found = recognising.recognise_by_tensors(
        {**sound, name: torch.zeros(shape)}, ""
    )  # a smaller grid fails in matching
    assert found is None or (name, shape) == (
        "encoder.pos_embedding",
        (1, 9, 64),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"blocks.9000.attn.qkv.weight": torch.zeros(3)},
        {"patch_embed.proj.weight": torch.zeros(512, 3, 14, 14), "blocks.0.ls1.gamma": torch.zeros(3)},
    ],
    ids=["9001 blocks", "a DINOv2 of no known width"],
)
def test_what_no_vit_has_is_no_known_architecture(changed, tmp_path):
    torch.save({**tiny_vit().state_dict(), **changed}, tmp_path / "vit.pth")
    with pytest.raises(UserError, match="fits no architecture that is known by its tensors"):
        imported(tmp_path / "vit.pth")


def clip(patch: int, size: int) -> State:
    net = timm.create_model("vit_medium_patch16_clip_224", num_classes=0, depth=1, patch_size=patch, img_size=size)
    return open_clip_names(perturbed(net))


@pytest.fixture
def short_clip(monkeypatch):
    """The CLIP of medium width with one block for its twelve, so that it is small."""
    whole = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: whole(name, **{"depth": 1, **options}))
    return "timm:vit_medium_patch16_clip_224"


def test_a_clip_of_other_patches_is_not_resampled_into_the_named_one(short_clip, tmp_path):
    torch.save(clip(32, 224), tmp_path / "clip.pth")
    with pytest.raises(UserError, match=r"would have to be resampled to become .*patch_embed\.proj\.weight"):
        imported(tmp_path / "clip.pth", arch=short_clip)


def test_a_clip_for_larger_images_keeps_its_own_positions(short_clip, tmp_path):
    state = clip(16, 256)
    torch.save(state, tmp_path / "clip.pth")
    found, checkpoint = imported(tmp_path / "clip.pth", arch=short_clip)
    assert found.architecture.options == {"img_size": 256}
    assert torch.equal(checkpoint.weights["net.pos_embed"][0], state["visual.positional_embedding"])


@pytest.mark.parametrize("name", ["volo_d1_224", "hiera_tiny_224", "vit_tiny_r_s16_p8_224", "samvit_base_patch16"])
def test_positions_that_are_no_plain_grid_are_left_to_the_network(name):
    """Only whether the network is built for the images that it is always built for."""
    from loocbench.checkpoints.foreign import recognising

    with torch.device("meta"):
        state = timm.create_model(name, num_classes=0).state_dict()
    assert recognising.complete_named(f"timm:{name}", state, "", None).architecture.options == {}


@pytest.mark.parametrize("name", ["cait_xxs24_224", "beit_base_patch16_224", "volo_d1_224"])
def test_another_resolution_where_positions_are_fixed_is_one_line(name):
    with pytest.raises(UserError, match=f"timm:{name} takes images of 224 px; leave --image-size out"):
        preprocessing.adapt_to_image_size(importing.Architecture(name=f"timm:{name}"), 256)


def test_how_many_heads_a_vit_has_can_be_said(tmp_path):
    net = vit(num_heads=6)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found, checkpoint = imported(tmp_path / "vit.pth", architecture_options={"num_heads": 6})
    assert "6 attention heads, as given" in found.notes
    assert_all_same(spaces_of(checkpoint, images(64)), tokens(net, images(64)))
    torch.save(tiny_vit().state_dict(), tmp_path / "vit.pth")
    with pytest.raises(UserError, match="64 channels cannot be shared by 5 attention heads"):
        imported(tmp_path / "vit.pth", architecture_options={"num_heads": 5})


def test_openmmlabs_small_moco_must_be_told_its_heads(tmp_path):
    """Its ViT-small has twelve heads with MoCo v3's recipe, six elsewhere."""
    net = vit("vit_small_patch16_224", num_heads=12, depth=1)
    state = _mmpretrain(net.state_dict())["state_dict"] | {"momentum_encoder.steps": torch.zeros(())}
    torch.save({"state_dict": state}, tmp_path / "vit.pth")
    with pytest.raises(UserError, match=r"how many attention heads .* say --num-heads 12 .* or 6"):
        imported(tmp_path / "vit.pth")
    _, checkpoint = imported(tmp_path / "vit.pth", architecture_options={"num_heads": 12})
    assert_all_same(spaces_of(checkpoint, images(64)), tokens(net, images(64)))
