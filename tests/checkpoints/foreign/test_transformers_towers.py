"""CLIP's and SigLIP's image towers as transformers names them: timm's networks under those names, and its own pooling.

Covers ``loocbench.checkpoints.foreign.transformers_towers``.
"""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from loocbench.checkpoints.foreign import transformers_towers
from loocbench.checkpoints.foreign.transformers_config import StatedConfig
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images
from tests.checkpoints.foreign.vit_layouts import perturbed

timm = pytest.importorskip("timm")
SMALL = {"embed_dim": 64, "depth": 2, "num_heads": 4, "mlp_ratio": 2.0, "img_size": 32}
TOWER = {"num_attention_heads": 4, "image_size": 32, "patch_size": 16, "hidden_size": 64}


def name_as_transformers(net):
    """A timm tower's tensors as CLIPModel and SiglipModel call them."""
    out, s = {}, net.state_dict()
    for name, tensor in s.items():
        block = re.match(r"blocks\.(\d+)\.(.*)\.(weight|bias)$", name)
        if block and block[2] == "attn.qkv":
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                out[f"encoder.layers.{block[1]}.self_attn.{part}_proj.{block[3]}"] = piece.clone()
        elif block:
            place = {"attn.proj": "self_attn.out_proj", "norm1": "layer_norm1", "norm2": "layer_norm2"}
            out[f"encoder.layers.{block[1]}.{place.get(block[2], block[2])}.{block[3]}"] = tensor
        elif not name.startswith("attn_pool."):
            begin, _, kind = name.rpartition(".")
            place = {"patch_embed.proj": "embeddings.patch_embedding"}
            place |= {"norm_pre": "pre_layrnorm", "norm": "post_layernorm"}
            out[f"{place[begin]}.{kind}" if begin else name] = tensor
    out["embeddings.position_embedding.weight"] = out.pop("pos_embed")[0].clone()
    if "cls_token" in out:
        out["embeddings.class_embedding"] = out.pop("cls_token")[0, 0].clone()
    if net.attn_pool is not None:
        for kind in ("weight", "bias"):
            joined = [s[f"attn_pool.{part}.{kind}"] for part in ("q", "kv")]
            out[f"head.attention.in_proj_{kind}"] = torch.cat(joined)
            out[f"head.attention.out_proj.{kind}"] = s[f"attn_pool.proj.{kind}"]
            out[f"head.layernorm.{kind}"] = s[f"attn_pool.norm.{kind}"]
            out |= {f"head.mlp.{fc}.{kind}": s[f"attn_pool.mlp.{fc}.{kind}"] for fc in ("fc1", "fc2")}
        out["head.probe"] = s["attn_pool.latent"]
    return {f"vision_model.{name}": tensor.clone() for name, tensor in out.items()}


def write(folder, net, config=None, *, text=True, images=None):
    """A folder as save_pretrained leaves it. text: whether the text tower is there, too."""
    beside = {"text_model.final_layer_norm.weight": torch.zeros(3), "text_projection.weight": torch.zeros(3, 3)}
    beside |= {"visual_projection.weight": torch.zeros(3, 64), "logit_scale": torch.zeros(())}
    ids = {"vision_model.embeddings.position_ids": torch.arange(4)[None]}
    save_file({**name_as_transformers(net), **ids, **(beside if text else {})}, folder / "model.safetensors")
    for name, content in (("config.json", config), ("preprocessor_config.json", images)):
        if content is not None:
            (folder / name).write_text(json.dumps(content))
    return folder


def build_clip(act_layer):
    return perturbed(timm.create_model("vit_base_patch16_clip_224", num_classes=0, act_layer=act_layer, **SMALL))


@pytest.mark.parametrize(("stated", "activation"), [("quick_gelu", "quick_gelu"), ("gelu", "gelu"), ("", "quick_gelu")])
def test_clips_tower_has_the_activation_of_its_configuration(tmp_path, stated, activation):
    """Where the configuration says nothing, transformers' own for a CLIP."""
    net = build_clip(activation)
    vision = {"model_type": "clip_vision_model", **TOWER, **({"hidden_act": stated} if stated else {})}
    images = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "crop_size": 32}
    write(tmp_path, net, {"model_type": "clip", "vision_config": vision}, images={**images, "resample": 3})
    found, checkpoint = import_file(tmp_path)
    assert (found.family, found.unknown, found.assumed) == ("transformers", (), ())
    assert checkpoint.card.preprocessing.interpolation == "bicubic"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images(32))["general"], net(random_images(32)))


class TransformersHead(nn.Module):
    """The pooling of transformers' SiglipVisionModel, from its description: its own layers, under its own names."""

    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.probe = nn.Parameter(torch.zeros(1, 1, dim))
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.layernorm = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, hidden), "fc2": nn.Linear(hidden, dim)})

    def forward(self, tokens):
        pooled = self.attention(self.probe.expand(len(tokens), -1, -1), tokens, tokens)[0]
        hidden = nn.functional.gelu(self.mlp["fc1"](self.layernorm(pooled)), approximate="tanh")
        return (pooled + self.mlp["fc2"](hidden))[:, 0]


@pytest.mark.parametrize("text", [True, False])
def test_siglips_tower_and_its_pooling_by_a_query(tmp_path, text):
    """Witnesses: timm's own forward pass, and transformers' head on timm's tokens."""
    net = perturbed(timm.create_model("vit_base_patch16_siglip_224", num_classes=0, act_layer="gelu_tanh", **SMALL))
    vision = {"model_type": "siglip_vision_model", **TOWER}
    write(tmp_path, net, {"model_type": "siglip", "vision_config": vision} if text else vision, text=text)
    found, checkpoint = import_file(tmp_path)
    assert (found.unknown, found.architecture.options["act_layer"]) == ((), "gelu_tanh")
    head = TransformersHead(64, 4, 128).eval()
    mine = {k.removeprefix("vision_model.head."): v for k, v in name_as_transformers(net).items() if ".head." in k}
    head.load_state_dict(mine, strict=True)
    spaces = compute_spaces(checkpoint, random_images(32))
    with torch.inference_mode():
        assert_features_equal(spaces["general"], net(random_images(32)))
        theirs = head(net.forward_features(random_images(32)))
    torch.testing.assert_close(spaces["general"], theirs, rtol=1e-5, atol=1e-6)


def test_what_nothing_states_is_asked_or_assumed(tmp_path):
    write(tmp_path, build_clip("quick_gelu"))
    with pytest.raises(UserError, match=r"in its config.json, which is not beside the file; copy it there, or name it"):
        import_file(tmp_path)
    options = {**SMALL, "num_heads": 1, "act_layer": "gelu_tanh"}
    siglip = perturbed(timm.create_model("vit_base_patch16_siglip_224", num_classes=0, **options))
    write(tmp_path, siglip)
    found, _ = import_file(tmp_path)
    assert found.assumed == (
        "1 attention heads, as in ViTs of this width",
        "GELU by its tanh approximation, as transformers' SigLIP",
    )
    found, _ = import_file(tmp_path, architecture_options={"num_heads": 2})
    assert found.architecture.options["num_heads"] == 2


def test_an_activation_that_timm_does_not_have_is_refused(tmp_path):
    vision = {"model_type": "clip_vision_model", **TOWER, "hidden_act": "relu"}
    write(tmp_path, build_clip("gelu"), {"vision_config": vision})
    with pytest.raises(UserError, match="states the activation 'relu', which timm's ViTs do not have"):
        import_file(tmp_path)


@pytest.fixture
def narrow_mlps(monkeypatch):
    """timm's ViTs have an eighth of their MLPs' channels: what remains is the published size in a third of the time."""
    whole = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: whole(name, **{"mlp_ratio": 0.5, **options}))


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_mlps")
@pytest.mark.parametrize(
    ("name", "kind", "given"),
    [
        ("vit_base_patch32_clip_quickgelu_224", "clip_vision_model", {}),
        ("vit_base_patch32_clip_224", "clip_vision_model", {"hidden_act": "gelu"}),
        ("vit_base_patch16_siglip_224", "siglip_vision_model", {}),
    ],
)
def test_published_sizes_have_timms_names_and_images(tmp_path, name, kind, given):
    options = {"act_layer": "gelu_tanh"} if "siglip" in name else {}
    net = perturbed(timm.create_model(name, num_classes=0, **options))
    write(tmp_path, net, {"vision_config": {"model_type": kind, **given}})
    found, checkpoint = import_file(tmp_path)
    assert found.architecture.name == f"timm:{name}"
    assert checkpoint.card.preprocessing.interpolation == "bicubic"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images(224))["general"], net(random_images(224)))


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("vit_base_patch32_clip_quickgelu_224", "quick_gelu"),
        ("vit_base_patch32_clip_224", "gelu"),
        ("vit_base_patch16_siglip_224", "gelu_pytorch_tanh"),
    ],
)
def test_a_published_size_is_told_by_its_shapes(name, activation):
    """With the MLPs that it was published with, and without memory."""
    with torch.device("meta"):
        state = timm.create_model(name, num_classes=0).state_dict()
    found = transformers_towers.recognise_tower(state, StatedConfig(activation=activation))
    assert found.architecture.name == f"timm:{name}"
