"""What timm itself knows of other people's names for the tensors of its ViTs: DINOv2's, OpenCLIP's."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from torch import Tensor, nn


def own(tensors: Mapping[str, Tensor], net: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under timm's names, and a note if timm renamed some; shapes are strict after it."""
    module = sys.modules.get(type(net).__module__)
    convert = getattr(module, "checkpoint_filter_fn", None)
    known = {name for name, _ in net.named_parameters()}
    foreign = [name for name in tensors if name not in known]
    marks = ("mask_token", "register_tokens", "visual.", "transformer.resblocks.")
    if not type(net).__module__.startswith("timm.") or convert is None or not any(n.startswith(marks) for n in foreign):
        return dict(tensors), []
    given = dict(tensors)
    if any(name.startswith("transformer.resblocks.") for name in given):  # timm looks for the whole CLIP's names
        given = {f"visual.{name}": tensor for name, tensor in given.items()}
    converted = convert(given, net)
    return converted, ["names translated by timm"]
