"""What a file of tensors holds that is no backbone: adapters, an optimizer's state, a head, quantised weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_ADAPTER = re.compile(r"(^|\.)(lora_(A|B|E|down|up|embedding_A|embedding_B)|lokr_w[12]|hada_w[12]_[ab])(\.|$)")
_OPTIMIZER = re.compile(r"(^|\.)(exp_avg|exp_avg_sq|momentum_buffer|square_avg|param_groups)(\.|$)")
_QUANTISED = re.compile(r"(^|\.)(SCB|qweight|qzeros|absmax|quant_map|quant_state\..*|weight_scale|_packed_params.*)$")
_HEAD = re.compile(r"^(\w+\.)*(fc|head|heads|classifier|logits|projector|projection_head)\.")


def describe_content(tensors: Mapping[str, Tensor]) -> str:
    """Return what the tensors are and what to do, if they are clearly no backbone; else ""."""
    if any(map(_ADAPTER.search, tensors)):
        return (
            "holds adapters (LoRA) without the network that they change; merge them into it (peft: merge_and_unload), "
            "and save that"
        )
    if any(map(_QUANTISED.search, tensors)) or any(map(_is_quantised, tensors.values())):
        return "holds quantised weights; give those that it was made from, in float32, bfloat16 or float16"
    if tensors and sum(bool(_OPTIMIZER.search(name)) for name in tensors) > len(tensors) / 2:
        return "holds the state of an optimizer; give the file of the model's weights"
    if tensors and all(map(_HEAD.match, tensors)) and len(tensors) <= 16:
        heads = ", ".join(dict.fromkeys(name.rpartition(".")[0] for name in tensors))
        return f"holds a head alone ({heads}); give the file with its backbone"
    return ""


def _is_quantised(tensor: Tensor) -> bool:
    """Whether these are weights of eight bits or fewer: matrices of integers, or torch's own quantised tensors."""
    return tensor.is_quantized or (tensor.ndim > 1 and tensor.dtype in (torch.int8, torch.uint8))
