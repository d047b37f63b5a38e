"""Routing each tensor of a file to its place in the network: backbone, last stage, head, or left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from loocbench.checkpoints.foreign import families, key_maps, tensor_names
from loocbench.checkpoints.foreign.types import FileContents, RoutedTensors, count_group
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.spaces import GENERAL
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


def route_tensors(
    contents: FileContents, key_map: key_maps.KeyMap | None, key_map_file: Path | None, *, own_network: bool = False
) -> RoutedTensors:
    """Separate the tensors of a file by their role, as the key map says or else the family that their names tell.

    own_network: whether the network is a function of the user's.
    """
    if key_map is None or key_map_file is None or not key_map.prefixes:
        routed = families.route_by_family(contents.tensors, own_network=own_network)
    else:
        routed = key_maps.route_by_key_map(key_map, contents.tensors, key_map_file)
    skipped = {"training state": contents.training_state} if contents.training_state else {}
    return replace(routed, left_out={**skipped, **routed.left_out})


def set_head_widths(architecture: Architecture, routed: RoutedTensors, *, separate: bool) -> Architecture:
    """Return the architecture with the widths of its heads, read from the shapes of the first head."""
    first: list[Tensor] = [tensor for tensor in next(iter(routed.heads.values()), {}).values() if tensor.ndim == 2]
    hidden, embedding = (first[0].shape[0], first[-1].shape[0]) if first else (0, 0)
    return architecture.model_copy(update={"separate": separate, "hidden_dim": hidden, "embedding_dim": embedding})


def add_stages_and_heads(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], routed: RoutedTensors
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and names of the backbone with those of last stages and heads added.

    names: from the file's names to the network's. A head is two linear layers in the order of the file, whatever their
    names.
    """
    tensors, names = dict(tensors), dict(names)
    for space, parts in routed.stages.items():
        for name, tensor in parts.items():
            tensors[f"stage:{space} {name}"] = tensor
            names[f"stage:{space} {name}"] = f"stages.{space}.{name}"
    for space, parts in routed.heads.items():
        layers = list(dict.fromkeys(name.rpartition(".")[0] for name in parts))
        for name, tensor in parts.items():
            layer, _, kind = name.rpartition(".")
            tensors[f"head:{space} {name}"] = tensor
            names[f"head:{space} {name}"] = f"heads.{space}.{2 * layers.index(layer)}.{kind}"
    return tensors, names


def drop_heads(
    tensors: Mapping[str, Tensor], network: nn.Module, prefixes: tuple[str, ...], left_out: dict[str, int]
) -> dict[str, Tensor]:
    """Return the tensors without classifiers and projection heads, which are counted in ``left_out``.

    prefixes: of further heads, named by the user.
    """
    own_names = network.state_dict()
    classifier = network.classifier_prefixes if isinstance(network, LibraryNetwork) else ()
    needed = {to_library_name(name).split(".")[0] for name in own_names}
    kept = {}
    for name, tensor in tensors.items():
        first = name.split(".")[0]
        head = (first in _HEADS and first not in needed) or name.startswith(classifier) or name.startswith(prefixes)
        if head and to_network_name(name, network) not in own_names:
            count_group(left_out, name)
        else:
            kept[name] = tensor
    return kept


def to_network_name(name: str, network: nn.Module) -> str:
    """Return the network's name of the tensor that its library calls ``name``."""
    return f"{architectures.NET}{name}" if isinstance(network, LibraryNetwork) else tensor_names.to_native_name(name)


def to_library_name(name: str) -> str:
    """Return the library's name of the tensor that the network calls ``name``."""
    return tensor_names.to_torchvision_name(name, GENERAL) or name.removeprefix(architectures.NET)
