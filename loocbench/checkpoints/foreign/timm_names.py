"""What timm itself knows of other people's names for the tensors of its ViTs: DINOv2's, OpenCLIP's."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from torch import Tensor, nn

from loocbench.errors import UserError


def own(tensors: Mapping[str, Tensor], net: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under timm's names, and a note if timm renamed some.

    Raises UserError where timm would compute values (resample positions or patches) to make them fit.
    """
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
    held = {tensor.untyped_storage().data_ptr() for tensor in tensors.values()}
    try:
        converted: dict[str, Tensor] = convert(given, net)
    except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"timm cannot read these tensors as its {type(net).__name__}'s ({reason}).") from error
    # A tensor that is only renamed, cut or reshaped shares its memory with the file's. Two are made anew and are exact:
    # the class token with its position added, where there are registers, and an empty bias of the projection.
    exact = {"head.bias", *(("cls_token",) if "register_tokens" in tensors else ())}
    made = [name for name, tensor in converted.items() if tensor.untyped_storage().data_ptr() not in held]
    if wrong := [name for name in made if name not in exact]:
        shapes = dict(net.state_dict())
        places = ", ".join(f"{name} {list(shapes[name].shape)}" for name in wrong if name in shapes)
        raise UserError(
            f"the file's tensors would have to be resampled to become {places or ', '.join(wrong)}; name with --arch "
            "the model that they were trained as."
        )
    return converted, ["names translated by timm"]
