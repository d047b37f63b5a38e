"""From a foreign file to a checkpoint of our own, with an account of where every tensor went."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loocbench import provenance
from loocbench.checkpoints import native
from loocbench.checkpoints.foreign import (
    families,
    key_map,
    layouts,
    matching,
    preprocessing,
    reading,
    recognising,
    timm_names,
)
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.network import GENERAL, Network
from loocbench.models.whole import Whole
from loocbench.types import Architecture, Card, Source

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
_SHOWN = 4  # faults in one line


@dataclass(frozen=True)
class Choice:
    """What the user says of a file. heads: prefixes of tensors to leave out. origin: where the file came from."""

    arch: str = ""
    key_map: Path | None = None
    heads: tuple[str, ...] = ()
    name: str = ""
    trained_on: str = ""
    wishes: preprocessing.Wishes = field(default_factory=preprocessing.Wishes)
    timm_config: dict[str, Any] | None = None
    kind: Literal["file", "torchvision", "timm", "hf"] = "file"
    origin: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Examination:
    """What a file holds and what became of it. spaces: dimensions by name of space, ``general`` first."""

    contents: reading.Contents
    layout: str
    architecture: Architecture | None
    match: matching.Match
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    spaces: Mapping[str, int]
    stated: preprocessing.Stated | None


def examine(path: Path, choice: Choice = Choice()) -> Examination:  # frozen
    """Read a file, recognise and match it. Raises UserError where it cannot be read, or a choice is the user's."""
    contents = reading.read(path)
    mapped = key_map.read(choice.key_map) if choice.key_map else None
    sorted_ = _sorted(contents, mapped, choice)
    tensors, renamed = layouts.usual(sorted_.backbone)
    notes = [f"names translated from {renamed}"] if renamed else []
    found = _architecture(tensors, sorted_, choice.arch or (mapped.arch if mapped else ""))
    if found is None:
        nothing = matching.Match({}, unexpected=tuple(tensors))
        family = "none known" if sorted_.family == "torchvision" else sorted_.family
        return Examination(contents, family, None, nothing, sorted_.left_out, sorted_.unknown, tuple(notes), {}, None)
    stated = preprocessing.find(found.architecture, contents.sha256, choice.wishes, timm_config=choice.timm_config)
    architecture = preprocessing.fitted(found.architecture, stated.preprocessing.image_size)
    if mapped:
        architecture = _with_heads(architecture, sorted_, separate=mapped.separate)
    spaces = tuple(sorted_.heads or sorted_.stages)
    network = architectures.skeleton(architecture, spaces)
    left_out = dict(sorted_.left_out)
    if isinstance(network, Whole):
        tensors, changed = timm_names.own(tensors, network.net)
        notes += changed
    tensors = _without_heads(tensors, network, choice.heads, left_out)
    names = {name: _place(name, network) for name in tensors}
    if mapped:
        tensors, names = _with_parts(tensors, names, sorted_)
    match = matching.match(tensors, network.state_dict(), names)
    dims: Mapping[str, int] = {}
    if match.complete:
        dims = _dimensions(architecture, spaces, match.weights, stated.preprocessing.image_size)
    return Examination(
        contents,
        sorted_.family,
        architecture,
        match,
        left_out,
        sorted_.unknown,
        (*notes, *found.assumed, *match.notes),
        dims,
        stated,
    )


def checkpoint(examination: Examination, choice: Choice) -> Checkpoint:
    """The file as a checkpoint of our own. Raises UserError unless every tensor of the backbone found its place."""
    contents, match = examination.contents, examination.match
    path = contents.path
    if examination.architecture is None or examination.stated is None:
        raise UserError(
            f"{path} fits no architecture that is known by its tensors; name it with --arch NAME, timm:NAME or "
            "package.module:function ('loocbench checkpoints inspect' lists what the file holds)."
        )
    if not match.complete:
        faults = match.faults()
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise UserError(
            f"{path} does not fit {examination.architecture.name}: {'; '.join(faults[:_SHOWN])}{more}. "
            "'loocbench checkpoints inspect' lists all; --arch, --head or --map say what is meant."
        )
    stated = examination.stated
    name = choice.name or re.sub(r"[^A-Za-z0-9._+-]+", "-", path.stem).strip("-._+") or "checkpoint"
    card = Card(
        format=2,
        name=name,
        architecture=examination.architecture,
        source=Source(
            kind=choice.kind,
            name=choice.origin or path.name,
            revision=choice.revision,
            sha256=contents.sha256,
            layout=examination.layout,
            preprocessing=stated.how,
        ),
        spaces=tuple(space for space in examination.spaces if space != GENERAL),
        preprocessing=stated.preprocessing,
        dataset=choice.trained_on or stated.trained_on or "unknown",
        edition="",
        split="",
        fingerprint="",
        images=0,
        epochs_done=0,
        created=provenance.now(),
        weights=native.weights_hash(match.weights),
        versions=provenance.versions(),
        hardware="",
    )
    return Checkpoint(card, match.weights, str(path))


@dataclass(frozen=True)
class _Sorted:
    family: str
    backbone: Mapping[str, Tensor]
    stages: Mapping[str, Mapping[str, Tensor]]
    heads: Mapping[str, Mapping[str, Tensor]]
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]


def _sorted(contents: reading.Contents, mapped: key_map.KeyMap | None, choice: Choice) -> _Sorted:
    left_out = {"training state": contents.state} if contents.state else {}
    if mapped is None or choice.key_map is None:
        found = families.sort(contents.tensors)
        return _Sorted(found.family, found.backbone, {}, {}, {**left_out, **found.left_out}, found.unknown)
    parts = key_map.apply(mapped, contents.tensors, choice.key_map)
    return _Sorted(
        f"key map {choice.key_map.name}",
        parts.backbone,
        parts.stages,
        parts.heads,
        {**left_out, **parts.left_out},
        parts.unknown,
    )


def _architecture(tensors: Mapping[str, Tensor], sorted_: _Sorted, arch: str) -> recognising.Found | None:
    if arch:
        return recognising.Found(Architecture(name=architectures.named(arch)))
    stage = next(iter(sorted_.stages.values()), {})  # LooC++ has no layer4 in its trunk: its first copy stands for all
    return recognising.recognise(
        {**tensors, **{f"layer4.{name}": tensor for name, tensor in stage.items()}}, sorted_.family
    )


def _with_heads(architecture: Architecture, sorted_: _Sorted, *, separate: bool) -> Architecture:
    """The widths of the heads, from the first one's shapes."""
    first: list[Tensor] = [tensor for tensor in next(iter(sorted_.heads.values()), {}).values() if tensor.ndim == 2]
    hidden, embedding = (first[0].shape[0], first[-1].shape[0]) if first else (0, 0)
    return architecture.model_copy(update={"separate": separate, "hidden_dim": hidden, "embedding_dim": embedding})


def _with_parts(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], sorted_: _Sorted
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


def _without_heads(
    tensors: Mapping[str, Tensor], network: nn.Module, named: tuple[str, ...], left_out: dict[str, int]
) -> dict[str, Tensor]:
    """The tensors but those of classifiers and projection heads, which are counted."""
    places = network.state_dict()
    own = network.heads if isinstance(network, Whole) else ()
    needed = {_unplaced(place).split(".")[0] for place in places}
    kept = {}
    for name, tensor in tensors.items():
        first = name.split(".")[0]
        head = (first in _HEADS and first not in needed) or name.startswith(own) or name.startswith(named)
        if head and _place(name, network) not in places:
            families.count(left_out, name)
        else:
            kept[name] = tensor
    return kept


def _place(name: str, network: nn.Module) -> str:
    """Where the network has a tensor that its library calls ``name``."""
    return f"{architectures.NET}{name}" if isinstance(network, Whole) else layouts.to_native(name)


def _unplaced(place: str) -> str:
    return layouts.from_native(place, GENERAL) or place.removeprefix(architectures.NET)


def _dimensions(
    architecture: Architecture, spaces: tuple[str, ...], weights: Mapping[str, Tensor], size: int
) -> dict[str, int]:
    """How wide each space is, found by one image. Raises UserError where the network does not give features."""
    with torch.random.fork_rng(devices=[]):
        network: Network | Whole = architectures.build(architecture, spaces)
    network.load_state_dict(dict(weights), strict=True)
    with torch.inference_mode():
        every = network.eval().every_space(torch.zeros(1, 3, size, size))
    return {name: values.shape[1] for name, values in every.items()}
