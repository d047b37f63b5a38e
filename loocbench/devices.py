"""Resolving the name of a device, and what it computes in fastest."""

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


def has_onednn(operation: str) -> bool:
    """Whether torch has oneDNN here, with this one of its operations (of ``torch.ops.mkldnn``)."""
    import torch

    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and hasattr(torch.ops.mkldnn, operation)


def fastest_precision(device: str) -> str:
    """Return "bfloat16" where ``device`` has instructions for it, else "float32".

    float16 is not taken: its gradients need scaling, and CPUs do not train in it.
    """
    import torch

    if device.startswith("cuda"):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # What oneDNN calls support includes processors that emulate it, more slowly than float32.
        native = any(
            getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
    return "bfloat16" if native else "float32"
