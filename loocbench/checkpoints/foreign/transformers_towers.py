"""Image towers of CLIP and SigLIP as transformers names them (``vision_model.…``), under timm's names.

Names: huggingface/transformers, models/clip/modeling_clip.py and models/siglip/modeling_siglip.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from loocbench.checkpoints.foreign import vits
from loocbench.checkpoints.foreign.transformers_config import CONFIG, StatedConfig
from loocbench.checkpoints.foreign.types import RecognisedArchitecture
from loocbench.errors import UserError
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.types import Architecture

MARK = "embeddings.patch_embedding.weight"  # a name that both towers have, and no other network
ACTIVATIONS = {  # transformers' names -> timm's
    "gelu": "gelu",
    "gelu_python": "gelu",
    "quick_gelu": "quick_gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
}
_RULES = (
    (r"^embeddings\.class_embedding$", "cls_token"),
    (r"^embeddings\.position_embedding\.weight$", "pos_embed"),
    (r"^embeddings\.patch_embedding\.", "patch_embed.proj."),
    (r"^pre_layrnorm\.", "norm_pre."),  # so it is spelt there
    (r"^post_layernorm\.", "norm."),
    (r"^encoder\.layers\.(\d+)\.self_attn\.out_proj\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layers\.(\d+)\.layer_norm([12])\.", r"blocks.\1.norm\2."),
    (r"^encoder\.layers\.(\d+)\.", r"blocks.\1."),
    (r"^head\.probe$", "attn_pool.latent"),
    (r"^head\.attention\.out_proj\.", "attn_pool.proj."),
    (r"^head\.attention\.in_proj_", "attn_pool.in_proj."),
    (r"^head\.layernorm\.", "attn_pool.norm."),
    (r"^head\.mlp\.", "attn_pool.mlp."),
)
_SIZES = {512: "medium", 768: "base", 1024: "large", 1152: "so400m", 1280: "huge", 1536: "giantopt"}
_POSITION_IDS = "embeddings.position_ids"  # 0, 1, 2 … in files of versions before 4.31


def to_timm_names(backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a tower by timm's names, query, key and value joined as timm has them."""
    out: dict[str, Tensor] = {}
    for name, tensor in backbone.items():
        new = next((re.sub(old, to, name) for old, to in _RULES if re.search(old, name)), name)
        if new == "cls_token":
            tensor = tensor.reshape(1, 1, -1)
        elif new == "pos_embed":
            tensor = tensor[None] if tensor.ndim == 2 else tensor
        if match := re.fullmatch(r"attn_pool\.in_proj\.(weight|bias)", new):
            third = len(tensor) // 3 if tensor.ndim else 0
            out |= {f"attn_pool.q.{match[1]}": tensor[:third], f"attn_pool.kv.{match[1]}": tensor[third:]}
        elif name != _POSITION_IDS:
            out[new] = tensor
    return _join(out)


def recognise_tower(
    tensors: Mapping[str, Tensor], stated: StatedConfig, heads: int | None = None
) -> RecognisedArchitecture | None:
    """Return timm's CLIP or SigLIP with these shapes, or None.

    tensors: by timm's names. stated: by the configuration beside the file. heads: of the attention, as the user says.
    Raises UserError for a CLIP whose activation nothing states.
    """
    stem, positions = vits.read_stem(tensors, "patch_embed.proj.weight"), tensors.get("pos_embed")
    fc1 = tensors.get("blocks.0.mlp.fc1.weight")
    if stem is None or positions is None or fc1 is None or positions.ndim != 3 or fc1.ndim != 2:
        return None
    timm = require("timm", "timm")
    width, patch = stem
    depth = len({match[1] for name in tensors if (match := re.match(r"blocks\.(\d+)\.", name))})
    siglip = "cls_token" not in tensors
    activation = stated.activation or ("gelu_pytorch_tanh" if siglip else "")
    if not activation:
        raise UserError(
            f"whether a CLIP was trained with GELU or QuickGELU is in its {CONFIG}, which is not beside the file; copy "
            f"it there, or name it: --arch timm:vit_{_SIZES.get(width, 'base')}_patch{patch}_clip_224 or "
            "…_clip_quickgelu_224 (OpenAI's own)."
        )
    count = heads or stated.heads or (16 if width in (1024, 1152, 1280, 1536) else width // 64)
    shape = {"patch_size": patch, "embed_dim": width, "depth": depth, "num_heads": count}
    quick = "quickgelu_" if activation == "quick_gelu" else ""
    kind = "siglip" if siglip else f"clip_{quick}"
    published = [
        name
        for name in timm.list_models(f"vit_{_SIZES.get(width)}_patch{patch}_{kind}*")
        if "_gap_" not in name and ("quickgelu" in name) == bool(quick) and _has_shape(name, depth, count, fc1.shape[0])
    ]
    options: vits.Options = {"act_layer": ACTIVATIONS[activation]} if siglip else {}
    if published:
        name = published[0]
    else:
        name = "vit_base_patch16_siglip_224" if siglip else "vit_base_patch16_clip_224"
        options |= {**shape, "mlp_ratio": fc1.shape[0] / width, "act_layer": ACTIVATIONS[activation]}
    if stated.epsilon and stated.epsilon != (1e-6 if siglip else 1e-5):
        options |= {"layer_norm_eps": stated.epsilon}
    size, unproven = vits.infer_image_size(Architecture(name=f"timm:{name}", options=options), tensors, stated.grid)
    assumed = [] if heads or stated.heads else [f"{count} attention heads, as in ViTs of this width"]
    assumed += [] if stated.activation else ["GELU by its tanh approximation, as transformers' SigLIP"]
    return RecognisedArchitecture(
        Architecture(name=architectures.resolve_name(f"timm:{name}"), options={**options, **size}),
        (*assumed, *((unproven,) if unproven else ())),
        (f"activation {stated.activation}, as {CONFIG} states",) if stated.activation else (),
    )


def _has_shape(name: str, depth: int, heads: int, hidden: int) -> bool:
    """Whether timm's ViT of this name has so many blocks, heads and hidden channels."""
    net: Any = architectures.build_without_weights(Architecture(name=f"timm:{name}")).net
    block = net.blocks[0]
    return (len(net.blocks), block.attn.num_heads, block.mlp.fc1.out_features) == (depth, heads, hidden)


def _join(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Concatenate query, key and value of each block, where all three are there."""
    out = dict(tensors)
    for name in tensors:
        if match := re.fullmatch(r"(blocks\.\d+\.attn)\.q\.(weight|bias)", name):
            parts = [f"{match[1]}.{part}.{match[2]}" for part in "qkv"]
            if all(part in tensors and tensors[part].shape == tensors[name].shape for part in parts):
                out[f"{match[1]}.qkv.{match[2]}"] = torch.cat([out.pop(part) for part in parts])
    return out
