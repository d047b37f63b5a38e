"""Strict matching of a file's tensors with a network's: no weight stays random, no tensor is dropped silently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

_COUNTER = re.compile(r"num_batches_tracked$")  # counts training steps; evaluation does not read it
_SHOWN = 4  # faults in one line


@dataclass(frozen=True)
class Match:
    """Result of matching.

    weights: by the network's names, whole if :attr:`complete`. missing: tensors of the network that the file lacks.
    unexpected: tensors of the file's backbone that the network lacks. wrong: the reason by tensor that does not fit.
    notes: what was converted or filled in.
    """

    weights: Mapping[str, Tensor]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every tensor of the network and of the file's backbone is matched."""
        return not (self.missing or self.unexpected or self.wrong)

    def describe_faults(self) -> list[str]:
        """Return a phrase per fault, such as "missing layer1.0.conv1.weight"; wrong tensors first."""
        return [
            *(f"{name} {reason}" for name, reason in self.wrong.items()),
            *(f"missing {name}" for name in self.missing),
            *(f"unexpected {name}" for name in self.unexpected),
        ]

    def describe_first_faults(self) -> str:
        """Return the first faults and the number of the others, in one line."""
        faults = self.describe_faults()
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        return "; ".join(faults[:_SHOWN]) + more


def match_tensors(tensors: Mapping[str, Tensor], network: Mapping[str, Tensor], names: Mapping[str, str]) -> Match:
    """Match ``tensors`` with the state_dict ``network``. names: from the file's names to the network's.

    Floating-point weights of another precision become float32, which represents float16 and bfloat16 exactly.
    """
    weights: dict[str, Tensor] = {}
    unexpected: list[str] = []
    wrong: dict[str, str] = {}
    converted: set[str] = set()
    for name, tensor in tensors.items():
        target = network.get(names[name])
        if target is None:
            unexpected.append(name)
        elif reason := _explain_mismatch(tensor, target):
            wrong[name] = reason
        else:
            if tensor.dtype != target.dtype and tensor.is_floating_point():
                converted.add(str(tensor.dtype).removeprefix("torch."))
            weights[names[name]] = tensor.to(target.dtype).clone().contiguous()
    misfits = {names[name] for name in wrong}
    absent = [key for key in network if key not in weights and key not in misfits]
    counters = [key for key in absent if _COUNTER.search(key)]
    weights |= {key: torch.zeros((), dtype=torch.int64) for key in counters}
    notes = [f"{', '.join(sorted(converted))} made float32"] if converted else []
    notes += [f"{len(counters)} num_batches_tracked absent, set to 0 (only training reads them)"] if counters else []
    missing = tuple(key for key in absent if key not in counters)
    return Match(
        {name: weights[name] for name in network if name in weights},
        missing,
        tuple(unexpected),
        wrong,
        tuple(notes),
    )


def _explain_mismatch(tensor: Tensor, target: Tensor) -> str:
    """Return why a tensor of the file does not fit the network's, or "" if it does."""
    if tensor.device.type != "cpu":
        return f"has no values in the file (it is on the {tensor.device.type} device)"
    if tensor.layout != torch.strided or tensor.is_quantized:
        return f"is {'quantised' if tensor.is_quantized else 'sparse'}, not dense"
    if tensor.shape != target.shape:
        return f"has shape {list(tensor.shape)}, the network {list(target.shape)}"
    if tensor.is_complex() or tensor.is_floating_point() != target.is_floating_point():
        return f"holds {_format_dtype(tensor)}, the network {_format_dtype(target)}"
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        return "holds values that are not finite"
    return ""


def _format_dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
