"""torch.compile for networks that only compute features."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Forward = Callable[[Tensor], dict[str, Tensor]]


def compile_forward(forward: Forward, device: str) -> Forward:
    """``forward`` under torch.compile, for batches of one shape; compilation happens at the first call.

    On the CPU weights are frozen: what depends on them alone is computed once.
    """
    compiled: Forward = torch.compile(forward, dynamic=False)
    if device != "cpu":
        return compiled
    from torch._inductor import config  # takes a second to import

    def frozen(images: Tensor) -> dict[str, Tensor]:
        # torch.compile's own ``options`` come too late: whether weights become constants is decided while tracing.
        with config.patch(freezing=True):
            return compiled(images)

    return frozen
