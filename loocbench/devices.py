"""Resolving the name of a device."""

from __future__ import annotations

from loocbench.errors import UserError


def resolve_device(device: str) -> str:
    """Return the best device for ``auto``, any other name unchanged. Raises UserError if there is no such device."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device)
    except RuntimeError as error:
        raise UserError(f"no device '{device}'; use auto, cpu or cuda.") from error
    if kind.type not in ("cpu", "cuda"):
        raise UserError(f"device '{device}' is not supported; use auto, cpu or cuda.")
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise UserError(f"no device '{device}' on this machine; use --device cpu.")
    return device
