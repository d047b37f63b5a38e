"""Where each tensor of a file belongs in the network: backbone, last stage, head, or nowhere because it is a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from loocbench.checkpoints.foreign import families, key_map, layouts, reading, recognising, vits
from loocbench.checkpoints.foreign.recognised import Found
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import GENERAL
from loocbench.types import Architecture

_HEADS = frozenset(
    (
        "fc",
        "classifier",
        "head",
        "heads",
        "head_dist",
        "linear",
        "logits",
        "last_linear",
        "output",
        "projector",
        "projection_head",
        "projection",
        "prototypes",
        "predictor",
        "online_fc",
        "mask_token",
        "pooler",
        "proj",
    )
)  # first parts of the names of classifiers, projection heads and masks


@dataclass(frozen=True)
class Parts:
    """A file's tensors by their names within the backbone, within a space's last stage, within a space's head."""

    family: str
    backbone: Mapping[str, Tensor]
    stages: Mapping[str, Mapping[str, Tensor]]
    heads: Mapping[str, Mapping[str, Tensor]]
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]


def sort(contents: reading.Contents, mapped: key_map.KeyMap | None, map_file: Path | None) -> Parts:
    """A file's tensors by what they are: as the key map says, or the family that the names tell."""
    left_out = {"training state": contents.state} if contents.state else {}
    if mapped is None or map_file is None:
        found = families.sort(contents.tensors)
        return Parts(found.family, found.backbone, {}, {}, {**left_out, **found.left_out}, found.unknown)
    parts = key_map.apply(mapped, contents.tensors, map_file)
    return Parts(
        f"key map {map_file.name}",
        parts.backbone,
        parts.stages,
        parts.heads,
        {**left_out, **parts.left_out},
        parts.unknown,
    )


def architecture_of(
    tensors: Mapping[str, Tensor],
    sorted_: Parts,
    arch: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str],
) -> Found | None:
    """The architecture that the user names (options: what is known of it), or else the tensors tell.

    Raises UserError where the options are not the architecture's.
    """
    found = _architecture_of(tensors, sorted_, arch, stem_padding, options)
    if found and any(found.architecture.options.get(name) != value for name, value in options.items()):
        raise UserError(
            f"{found.architecture.name} does not take {', '.join(name.replace('_', ' ') for name in options)} from "
            "outside; leave that out, or name a timm ViT with --arch."
        )
    return found


def _architecture_of(
    tensors: Mapping[str, Tensor],
    sorted_: Parts,
    arch: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str],
) -> Found | None:
    if arch:
        return recognising.named(architectures.named(arch), tensors, sorted_.family, stem_padding, options)
    openmmlab = sorted_.family in ("mmpretrain", "mmselfsup")
    if openmmlab and "momentum_encoder" in sorted_.left_out and "num_heads" not in options:
        vits.require_known_heads(tensors)
    stage = next(iter(sorted_.stages.values()), {})  # LooC++ has no layer4 in its trunk: its first copy stands for all
    whole = {**tensors, **{f"layer4.{name}": tensor for name, tensor in stage.items()}}
    heads = options.get("num_heads")
    return recognising.recognise(whole, sorted_.family, stem_padding, int(heads) if heads else None)


def with_heads(architecture: Architecture, sorted_: Parts, *, separate: bool) -> Architecture:
    """The widths of the heads, from the first one's shapes."""
    first: list[Tensor] = [tensor for tensor in next(iter(sorted_.heads.values()), {}).values() if tensor.ndim == 2]
    hidden, embedding = (first[0].shape[0], first[-1].shape[0]) if first else (0, 0)
    return architecture.model_copy(update={"separate": separate, "hidden_dim": hidden, "embedding_dim": embedding})


def with_parts(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], sorted_: Parts
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of stages and heads beside those of the backbone, and their places.

    A head is two linear layers in the file's order, whatever they are called.
    """
    tensors, names = dict(tensors), dict(names)
    for space, parts in sorted_.stages.items():
        for name, tensor in parts.items():
            tensors[f"stage:{space} {name}"] = tensor
            names[f"stage:{space} {name}"] = f"stages.{space}.{name}"
    for space, parts in sorted_.heads.items():
        layers = list(dict.fromkeys(name.rpartition(".")[0] for name in parts))
        for name, tensor in parts.items():
            layer, _, kind = name.rpartition(".")
            tensors[f"head:{space} {name}"] = tensor
            names[f"head:{space} {name}"] = f"heads.{space}.{2 * layers.index(layer)}.{kind}"
    return tensors, names


def without_heads(
    tensors: Mapping[str, Tensor], network: nn.Module, named: tuple[str, ...], left_out: dict[str, int]
) -> dict[str, Tensor]:
    """The tensors but those of classifiers and projection heads, which are counted."""
    places = network.state_dict()
    own = network.heads if isinstance(network, LibraryNetwork) else ()
    needed = {_library_name(place).split(".")[0] for place in places}
    kept = {}
    for name, tensor in tensors.items():
        first = name.split(".")[0]
        head = (first in _HEADS and first not in needed) or name.startswith(own) or name.startswith(named)
        if head and place(name, network) not in places:
            families.count(left_out, name)
        else:
            kept[name] = tensor
    return kept


def place(name: str, network: nn.Module) -> str:
    """Where the network has a tensor that its library calls ``name``."""
    return f"{architectures.NET}{name}" if isinstance(network, LibraryNetwork) else layouts.to_native(name)


def _library_name(place: str) -> str:
    return layouts.from_native(place, GENERAL) or place.removeprefix(architectures.NET)
