"""Networks of other libraries behind one interface: pooled features, and the tokens of a ViT as named spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from loocbench.errors import UserError
from loocbench.models.spaces import GENERAL

CLS, PATCH = "cls", "patch"


@dataclass(frozen=True)
class InnerLayers:
    """The layers of a network that features can be read from.

    count: how many. prefix: number of tokens before the patches in a ViT's blocks, which count from 0; None for a
    ResNet's stages, which count from 1. read(net, images, numbers) returns the features by name of space, as
    :class:`LibraryNetwork` does, and the output of each layer: maps [N, C, h, w], or tokens [N, prefix + patches, D]
    after the network's last normalisation.
    """

    count: int
    prefix: int | None
    read: Callable[[Any, Tensor, Sequence[int]], tuple[Mapping[str, Tensor], list[Tensor]]]


class LibraryNetwork(nn.Module):
    """A network of torchvision, timm or the user, and a function that computes its feature spaces.

    spaces: names of the spaces beside ``general``. read(net, images) returns features [N, D] by name of space,
    ``general`` first. classifier_prefixes: of the names in its library of the classifier's tensors, which is removed.
    layers: those inside it, if they can be read.
    """

    def __init__(
        self,
        net: nn.Module,
        spaces: tuple[str, ...],
        read: Callable[[Any, Tensor], Mapping[str, Tensor]],
        classifier_prefixes: tuple[str, ...] = (),
        layers: InnerLayers | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.spaces = spaces
        self.classifier_prefixes = classifier_prefixes
        self.read = read
        self.layers = layers

    def forward_spaces(self, images: Tensor) -> dict[str, Tensor]:
        """Compute features [N, D] by name of space. images: normalised float [N, 3, H, W]."""
        return {name: _require_matrix(name, values) for name, values in self.read(self.net, images).items()}

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features [N, D] of the general space."""
        return self.forward_spaces(images)[GENERAL]


def wrap_pooled_network(
    net: nn.Module, classifier_prefixes: tuple[str, ...] = (), layers: InnerLayers | None = None
) -> LibraryNetwork:
    """Wrap a network that returns its pooled features [N, D]."""
    return LibraryNetwork(net, (), lambda net, images: {GENERAL: net(images)}, classifier_prefixes, layers)


def wrap_user_network(net: nn.Module, spaces: tuple[str, ...]) -> LibraryNetwork:
    """Wrap a user's network, which returns features [N, D], or a mapping of ``general`` and spaces to features."""

    def read(net: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
        output = net(images)
        if not isinstance(output, Mapping):
            return {GENERAL: output}
        wrong = [name for name in output if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", str(name))]
        if wrong or GENERAL not in output:
            raise UserError(
                f"the network returns {', '.join(map(str, output))}; return '{GENERAL}' and plain names of spaces."
            )
        return output

    return LibraryNetwork(net, spaces, read)


def wrap_vit(
    net: nn.Module,
    forward_tokens: Callable[[Any, Tensor], tuple[Tensor, Tensor]],
    prefix: int,
    classifier_prefixes: tuple[str, ...] = (),
    read_blocks: Callable[[Any, Tensor, Sequence[int]], tuple[Tensor, Tensor, list[Tensor]]] | None = None,
    blocks: int = 0,
) -> LibraryNetwork:
    """Wrap a ViT. forward_tokens(net, images) returns the pooled output [N, D] and all tokens [N, prefix + patches, D].

    prefix: number of tokens before the patches (class token, then registers); with 0 there is no space ``cls``.
    read_blocks(net, images, numbers) returns the same two, and the tokens after each of these blocks, normalised as the
    last ones are. blocks: their number.
    """

    def name_spaces(general: Tensor, every: Tensor) -> dict[str, Tensor]:
        class_token = {CLS: every[:, 0]} if prefix else {}
        return {GENERAL: general, **class_token, PATCH: every[:, prefix:].mean(dim=1)}

    def read(net: nn.Module, images: Tensor) -> dict[str, Tensor]:
        return name_spaces(*forward_tokens(net, images))

    layers = None
    if read_blocks and blocks:

        def read_layers(net: Any, images: Tensor, numbers: Sequence[int]) -> tuple[Mapping[str, Tensor], list[Tensor]]:
            general, every, outputs = read_blocks(net, images, numbers)
            return name_spaces(general, every), outputs

        layers = InnerLayers(blocks, prefix, read_layers)
    return LibraryNetwork(net, (CLS, PATCH) if prefix else (PATCH,), read, classifier_prefixes, layers)


def _require_matrix(name: str, values: Tensor) -> Tensor:
    if not isinstance(values, Tensor) or values.ndim != 2 or not torch.is_floating_point(values):
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise UserError(
            f"the network returns {shape} for {name}, not features [N, D]; pool its output and leave its classifier "
            "out."
        )
    return values


@contextmanager
def library_errors_as_user_errors(name: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Raise UserError where a library refuses the options; other errors pass."""
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        if not options:
            raise
        said = ", ".join(f"{option} {value}" for option, value in options.items())
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"there is no {name} with {said} ({reason}); name another with --arch.") from error
