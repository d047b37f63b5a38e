"""loocbench.checkpoints.foreign.tensor_names: ViTs in the names of transformers, an older MobileNetV2."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from loocbench.checkpoints.foreign import tensor_names
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)
from tests.checkpoints.foreign.vit_layouts import (
    assert_all_features_equal,
    build_vit,
    perturbed,
    tokens,
    transformers_names,
)

timm = pytest.importorskip("timm")


def _mlp(name: re.Match[str]) -> str:
    return "mlp.fc1" if name[0].startswith("intermediate") else "mlp.fc2"


def test_dinov2_in_transformers_names(tmp_path):
    """As Dinov2Model.save_pretrained names them: without a prefix, layer scale as lambda1."""
    net = build_vit("vit_small_patch14_dinov2", img_size=70, depth=12)
    plain = {name: tensor for name, tensor in net.state_dict().items() if ".ls" not in name}
    state = {name.removeprefix("vit."): tensor for name, tensor in transformers_names(plain).items()}
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
    found, checkpoint = import_file(tmp_path / "model.safetensors")
    assert found.family == "transformers"
    assert found.architecture.name == "timm:vit_small_patch14_dinov2"
    assert_all_features_equal(compute_spaces(checkpoint, random_images(70)), tokens(net, random_images(70)))


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
    found, checkpoint = import_file(tmp_path / "model.safetensors")
    assert found.unknown == ()
    with torch.inference_mode():
        every = net(random_images(size)).last_hidden_state
    found_spaces = compute_spaces(checkpoint, random_images(size))
    assert_features_equal(found_spaces["cls"], every[:, 0])
    assert_features_equal(found_spaces["patch"], every[:, 1 + options.get("num_register_tokens", 0) :].mean(dim=1))


def test_tonylins_mobilenet_is_torchvisions():
    """Its blocks are one flat sequence: convolutions, batch norms and activations count through."""
    theirs = torchvision.models.mobilenet_v2().features.state_dict()
    flat = {}
    for name, tensor in theirs.items():
        layer, _, rest = name.partition(".")
        if rest.startswith("conv."):
            place, last = rest.removeprefix("conv.").rsplit(".", 1)
            order = ["0.0", "0.1", "", "1", "2"] if layer == "1" else ["0.0", "0.1", "", "1.0", "1.1", "", "2", "3"]
            rest = f"conv.{order.index(place)}.{last}"
        flat[f"features.{layer}.{rest}"] = tensor
    renamed, whose = tensor_names.to_library_names(flat)
    assert whose == "tonylins' MobileNetV2"
    assert renamed.keys() == {f"features.{name}" for name in theirs}
    assert all(renamed[f"features.{name}"] is tensor for name, tensor in theirs.items())
