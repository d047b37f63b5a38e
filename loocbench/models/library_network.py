"""Networks that are used as their library built them: pooled features, and a ViT's tokens as named spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from loocbench.errors import UserError
from loocbench.models.network import GENERAL

CLS, PATCH = "cls", "patch"


class LibraryNetwork(nn.Module):
    """A network and how its spaces are read off it.

    spaces: names beside the general one. read(net, images) gives every space's features [N, D], ``general`` first.
    heads: what its library's tensors of classifiers, which were taken off, begin with.
    """

    def __init__(
        self,
        net: nn.Module,
        spaces: tuple[str, ...],
        read: Callable[[Any, Tensor], Mapping[str, Tensor]],
        heads: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.net = net
        self.spaces = spaces
        self.heads = heads
        self.read = read

    def every_space(self, images: Tensor) -> dict[str, Tensor]:
        """Features [N, D] by the name of their space. images: normalised float [N, 3, H, W]."""
        return {name: _matrix(name, values) for name, values in self.read(self.net, images).items()}

    def forward(self, images: Tensor) -> Tensor:
        """The general space alone: [N, D]."""
        return self.every_space(images)[GENERAL]


def pooled(net: nn.Module, heads: tuple[str, ...] = ()) -> LibraryNetwork:
    """A network whose output is its pooled features [N, D]."""
    return LibraryNetwork(net, (), lambda net, images: {GENERAL: net(images)}, heads)


def own(net: nn.Module, spaces: tuple[str, ...]) -> LibraryNetwork:
    """A user's network: its output is [N, D], or a mapping of such with ``general`` and the names of its spaces."""

    def read(net: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
        output = net(images)
        if not isinstance(output, Mapping):
            return {GENERAL: output}
        wrong = [name for name in output if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", str(name))]
        if wrong or GENERAL not in output:
            raise UserError(
                f"the network gives {', '.join(map(str, output))}; give '{GENERAL}' and plain names of spaces."
            )
        return output

    return LibraryNetwork(net, spaces, read)


def tokens(
    net: nn.Module,
    forward_tokens: Callable[[Any, Tensor], tuple[Tensor, Tensor]],
    prefix: int,
    heads: tuple[str, ...] = (),
) -> LibraryNetwork:
    """A ViT. forward_tokens(net, images) gives the pooled output [N, D] and all tokens [N, prefix + patches, D].

    prefix: how many tokens come before the patches (class token, then registers); without any there is no ``cls``.
    """

    def read(net: nn.Module, images: Tensor) -> dict[str, Tensor]:
        general, every = forward_tokens(net, images)
        single = {CLS: every[:, 0]} if prefix else {}
        return {GENERAL: general, **single, PATCH: every[:, prefix:].mean(dim=1)}

    return LibraryNetwork(net, (CLS, PATCH) if prefix else (PATCH,), read, heads)


def _matrix(name: str, values: Tensor) -> Tensor:
    if not isinstance(values, Tensor) or values.ndim != 2 or not torch.is_floating_point(values):
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise UserError(
            f"the network gives {shape} for {name}, not features [N, D]; pool its output and leave its classifier out."
        )
    return values
