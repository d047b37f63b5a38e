"""Every tensor of a network from a file, strictly: nothing is left at random weights, nothing is dropped in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

_COUNTER = re.compile(r"num_batches_tracked$")  # counts training steps; evaluation does not read it


@dataclass(frozen=True)
class Match:
    """weights: by the network's names, what evaluation needs of it all there if :attr:`complete`.

    missing: tensors of the network that the file lacks. unexpected: of the backbone in the file, without a place.
    wrong: what does not fit its place, and why. notes: what was changed or filled in.
    """

    weights: Mapping[str, Tensor]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every tensor found its place."""
        return not (self.missing or self.unexpected or self.wrong)

    def faults(self) -> list[str]:
        """ "missing layer1.0.conv1.weight", one a fault, wrong ones first."""
        return [
            *(f"{name} {reason}" for name, reason in self.wrong.items()),
            *(f"missing {name}" for name in self.missing),
            *(f"unexpected {name}" for name in self.unexpected),
        ]


def match(tensors: Mapping[str, Tensor], network: Mapping[str, Tensor], names: Mapping[str, str]) -> Match:
    """Lay ``tensors`` into the places of ``network`` (its state_dict). names: the file's name -> the network's.

    Floating-point weights of another precision become float32, which holds every float16 and bfloat16 exactly.
    """
    weights: dict[str, Tensor] = {}
    unexpected: list[str] = []
    wrong: dict[str, str] = {}
    converted: set[str] = set()
    for name, tensor in tensors.items():
        place = network.get(names[name])
        if place is None:
            unexpected.append(name)
        elif reason := _unfit(tensor, place):
            wrong[name] = reason
        else:
            if tensor.dtype != place.dtype and tensor.is_floating_point():
                converted.add(str(tensor.dtype).removeprefix("torch."))
            weights[names[name]] = tensor.to(place.dtype).clone().contiguous()
    misfits = {names[name] for name in wrong}
    absent = [key for key in network if key not in weights and key not in misfits]
    counters = [key for key in absent if _COUNTER.search(key)]
    weights |= {key: torch.zeros((), dtype=torch.int64) for key in counters}
    notes = [f"{', '.join(sorted(converted))} made float32"] if converted else []
    notes += [f"{len(counters)} num_batches_tracked absent, set to 0 (only training reads them)"] if counters else []
    missing = tuple(key for key in absent if key not in counters)
    return Match(
        {place: weights[place] for place in network if place in weights},
        missing,
        tuple(unexpected),
        wrong,
        tuple(notes),
    )


def _unfit(tensor: Tensor, place: Tensor) -> str:
    """Why a tensor does not fit its place, or nothing."""
    if tensor.device.type != "cpu":
        return f"has no values in the file (it is on the {tensor.device.type} device)"
    if tensor.layout != torch.strided or tensor.is_quantized:
        return f"is {'quantised' if tensor.is_quantized else 'sparse'}, not dense"
    if tensor.shape != place.shape:
        return f"has shape {list(tensor.shape)}, the network {list(place.shape)}"
    if tensor.is_complex() or tensor.is_floating_point() != place.is_floating_point():
        return f"holds {_dtype(tensor)}, the network {_dtype(place)}"
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        return "holds values that are not finite"
    return ""


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
