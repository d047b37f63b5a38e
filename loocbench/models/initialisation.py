"""Building networks whose initial weights would be replaced at once, without drawing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_METHODS = ("normal_", "uniform_", "erfinv_", "fill_", "zero_", "mul_", "add_", "clamp_", "copy_")
# Those of torch.nn.init that hand themselves to a mode, which is then not asked about the methods that they call.
_FUNCTIONS = ("uniform_", "normal_", "constant_", "kaiming_uniform_")
_FILLS = frozenset(
    [*(getattr(torch.Tensor, name) for name in _METHODS), *(getattr(nn.init, name) for name in _FUNCTIONS)]
)


class WithoutInitialisation(TorchFunctionMode):
    """Within this context parameters of torch.nn keep what lies in memory, for they are overwritten afterwards.

    A ViT-Base takes a second or two to initialise. Buffers, and other tensors that may enter the network's function,
    are filled as ever; on the meta device, where nothing has values, no tensor is.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function of torch, unless it fills a parameter."""
        given = kwargs or {}
        if func in _FILLS:
            tensor = args[0] if args else given["tensor"]
            if isinstance(tensor, nn.Parameter) or tensor.is_meta:
                return tensor
        return func(*args, **given)
