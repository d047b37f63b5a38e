"""From a foreign file to a checkpoint of our own, with an account of where every tensor went."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.checkpoints.foreign import (
    families,
    key_map,
    layouts,
    matching,
    preprocessing,
    reading,
    tensor_routing,
    timm_names,
)
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import GENERAL, Network
from loocbench.types import Architecture, CheckpointCard, Source

_SHOWN = 4  # faults in one line


@dataclass(frozen=True)
class Choice:
    """What the user says of a file.

    heads: prefixes of tensors to leave out. stem_padding: of the 3x3 stem of a ResNet for small images, which the
    tensors do not tell. options: of the architecture, as the user or its library's configuration says. origin: where
    the file came from.
    """

    arch: str = ""
    key_map: Path | None = None
    heads: tuple[str, ...] = ()
    name: str = ""
    trained_on: str = ""
    wishes: preprocessing.PreprocessingOverrides = field(default_factory=preprocessing.PreprocessingOverrides)
    stem_padding: int | None = None
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
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
    sorted_ = tensor_routing.sort(contents, mapped, choice.key_map)
    tensors, renamed = layouts.usual(sorted_.backbone)
    notes = [f"names translated from {renamed}"] if renamed else []
    averages = [group for group in sorted_.left_out if families.AVERAGES.match(group)]
    notes += [f"the weights as trained, not their moving average ({', '.join(averages)})"] if averages else []
    found = tensor_routing.architecture_of(
        tensors, sorted_, choice.arch or (mapped.arch if mapped else ""), choice.stem_padding, choice.options
    )
    if found is None:
        nothing = matching.Match({}, unexpected=tuple(tensors))
        family = "none known" if sorted_.family == "torchvision" else sorted_.family
        return Examination(contents, family, None, nothing, sorted_.left_out, sorted_.unknown, tuple(notes), {}, None)
    stated = preprocessing.find(found.architecture, contents.sha256, choice.wishes, timm_config=choice.timm_config)
    architecture = preprocessing.fitted(found.architecture, stated.preprocessing.image_size)
    if mapped:
        architecture = tensor_routing.with_heads(architecture, sorted_, separate=mapped.separate)
    spaces = tuple(sorted_.heads or sorted_.stages)
    network = architectures.skeleton(architecture, spaces)
    left_out = dict(sorted_.left_out)
    if isinstance(network, LibraryNetwork):
        tensors, changed = timm_names.own(tensors, network.net)
        notes += changed
    tensors = tensor_routing.without_heads(tensors, network, choice.heads, left_out)
    names = {name: tensor_routing.place(name, network) for name in tensors}
    if mapped:
        tensors, names = tensor_routing.with_parts(tensors, names, sorted_)
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
        (*notes, *(() if preprocessing.torchvision_weights(contents.sha256) else found.assumed), *match.notes),
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
    card = CheckpointCard(
        format=2,
        name=files.require_name("checkpoint", name),
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


def _dimensions(
    architecture: Architecture, spaces: tuple[str, ...], weights: Mapping[str, Tensor], size: int
) -> dict[str, int]:
    """How wide each space is, found by one image. Raises UserError where the network does not give features."""
    with torch.random.fork_rng(devices=[]):
        network: Network | LibraryNetwork = architectures.build(architecture, spaces)
    network.load_state_dict(dict(weights), strict=True)
    try:
        with torch.inference_mode():
            every = network.eval().every_space(torch.zeros(1, 3, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        if architecture.name.startswith(architectures.PYTHON):
            raise  # the user's own code is shown where it fails
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{architecture.name} takes no images of {size} px ({reason}); say --image-size.") from error
    return {name: values.shape[1] for name, values in every.items()}
