"""Renaming tensors with timm's own conversion, which knows the names of DINOv2 and OpenCLIP."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from torch import Tensor, nn

from loocbench.errors import UserError


def rename_with_timm(tensors: Mapping[str, Tensor], net: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors by timm's names, and a note if timm renamed some.

    Raises UserError where timm would have to compute new values to make them fit (resampled positions or patches).
    """
    module = sys.modules.get(type(net).__module__)
    convert = getattr(module, "checkpoint_filter_fn", None)
    known = {name for name, _ in net.named_parameters()}
    foreign = [name for name in tensors if name not in known]
    marks = ("mask_token", "register_tokens", "visual.", "transformer.resblocks.", "attnpool.")
    if not type(net).__module__.startswith("timm.") or convert is None or not any(n.startswith(marks) for n in foreign):
        return dict(tensors), []
    given = dict(tensors)
    if any(name.startswith(marks[-2:]) for name in given):  # timm looks for the whole CLIP's names
        given = {f"visual.{name}": tensor for name, tensor in given.items()}
    storages = {tensor.untyped_storage().data_ptr() for tensor in tensors.values()}
    try:
        converted: dict[str, Tensor] = convert(given, net)
    except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"timm cannot read these tensors as its {type(net).__name__}'s ({reason}).") from error
    # A tensor that is only renamed, sliced or reshaped shares its memory with the file's. Two are computed, exactly:
    # the class token with its position added, where there are registers, and an empty bias of the projection.
    computed_exactly = {"head.bias", *(("cls_token",) if "register_tokens" in tensors else ())}
    computed = [name for name, tensor in converted.items() if tensor.untyped_storage().data_ptr() not in storages]
    if wrong := [name for name in computed if name not in computed_exactly]:
        shapes = dict(net.state_dict())
        places = ", ".join(f"{name} {list(shapes[name].shape)}" for name in wrong if name in shapes)
        raise UserError(
            f"the file's tensors would have to be resampled to become {places or ', '.join(wrong)}; name with --arch "
            "the model that they were trained as."
        )
    return converted, ["names translated by timm"]
