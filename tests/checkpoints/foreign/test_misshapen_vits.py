"""loocbench.checkpoints.foreign.vits: tensors of wrong shapes are not taken for a ViT's, and end in one line."""

from __future__ import annotations

import re

import pytest
import torch

from loocbench.checkpoints.foreign import recognising
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import (
    import_file,
)
from tests.checkpoints.foreign.vit_layouts import (
    build_tiny_vit,
    moco_v3,
    transformers_names,
)

timm = pytest.importorskip("timm")


_MISSHAPEN = [(), (3,), (0,), (3, 3), (2, 0, 3), (64, 3, 0, 0), (1, 9, 64), (9000, 1, 1, 1)]


_TORCHVISION = {
    "conv_proj.weight": torch.zeros(1, 3, 16, 16).expand(768, -1, -1, -1),
    "class_token": torch.zeros(1, 1, 768),
    "encoder.pos_embedding": torch.zeros(1, 197, 768),
    **{f"encoder.layers.encoder_layer_{number}.ln_1.weight": torch.zeros(768) for number in range(12)},
}


_CLIP = {"conv1.weight": torch.zeros(768, 3, 32, 32), "transformer.resblocks.0.attn.in_proj_weight": torch.zeros(3)}


@pytest.mark.parametrize("build", [dict, transformers_names, moco_v3], ids=["timm", "transformers", "moco"])
def test_no_misshapen_tensor_of_a_vit_passes_or_ends_in_a_traceback(build, tmp_path):
    """Each tensor that recognition looks at, in each shape that it should not have."""
    whole = build(build_tiny_vit().state_dict())
    state = whole.get("state_dict", whole)
    parts = "patch_emb|pos|query.weight|key.bias|qkv.w|mlp.fc1.w|inter"
    looked_at = [name for name in state if re.search(parts, name) and "momentum" not in name]
    assert len(looked_at) >= 4
    for name in looked_at:
        for shape in _MISSHAPEN:
            torch.save({**state, name: torch.zeros(shape)}, tmp_path / "vit.pth")
            with pytest.raises(UserError):
                import_file(tmp_path / "vit.pth")


@pytest.mark.parametrize("shape", _MISSHAPEN)
@pytest.mark.parametrize(
    ("sound", "name"),
    [(_TORCHVISION, "conv_proj.weight"), (_TORCHVISION, "encoder.pos_embedding"), (_CLIP, "conv1.weight")],
)
def test_no_misshapen_tensor_is_taken_for_a_large_vits(sound, name, shape):
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
    ("changed", "message"),
    [
        ({"blocks.9000.attn.qkv.weight": torch.zeros(3)}, "are of no architecture that is recognised"),
        (
            {"patch_embed.proj.weight": torch.zeros(512, 3, 14, 14), "blocks.0.ls1.gamma": torch.zeros(3)},
            r"does not fit timm:vit_base_patch16_224: .* has shape \[1, 5, 64\], the network \[1, 5, 512\]",
        ),
    ],
    ids=["9001 blocks", "a DINOv2 of another width than its blocks"],
)
def test_what_no_vit_has_is_not_taken_for_one(changed, message, tmp_path):
    torch.save({**build_tiny_vit().state_dict(), **changed}, tmp_path / "vit.pth")
    with pytest.raises(UserError, match=message):
        import_file(tmp_path / "vit.pth")
