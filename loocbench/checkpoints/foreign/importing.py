"""Importing a foreign file: what it holds, where every tensor went, and the result as a native checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.checkpoints.foreign import (
    export_statement,
    families,
    key_maps,
    map_hints,
    matching,
    not_a_backbone,
    reading,
    recognising,
    tensor_names,
    tensor_routing,
    timm_names,
    transformers_config,
    transformers_towers,
)
from loocbench.checkpoints.foreign import preprocessing as preprocessings
from loocbench.checkpoints.foreign.preprocessing import PreprocessingOverrides, ResolvedPreprocessing
from loocbench.checkpoints.foreign.types import FileContents
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import GENERAL
from loocbench.plugins import in_use
from loocbench.types import Architecture, CheckpointCard, WeightsSource


@dataclass(frozen=True)
class ImportOptions:
    """What the user, or the library or hub that a file comes from, states about the file.

    arch: name of the architecture; "" to recognise it. key_map: path of a key map. heads: prefixes of tensors to leave
    out. name: of the checkpoint; "" for the file's. preprocessing: overrides what is known or assumed. stem_padding: of
    a ResNet's 3x3 stem for small images, which the tensors do not tell. architecture_options: such as ``num_heads``.
    timm_config: a ``pretrained_cfg`` of timm. kind, origin, revision: where the file comes from.
    """

    arch: str = ""
    key_map: Path | None = None
    heads: tuple[str, ...] = ()
    name: str = ""
    trained_on: str = ""
    preprocessing: PreprocessingOverrides = field(default_factory=PreprocessingOverrides)
    stem_padding: int | None = None
    architecture_options: dict[str, bool | int | float | str] = field(default_factory=dict)
    timm_config: dict[str, Any] | None = None
    kind: Literal["file", "torchvision", "timm", "hf"] = "file"
    origin: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Inspection:
    """What a file holds and how it matches an architecture.

    architecture, preprocessing: None if no architecture was recognised. left_out: number of tensors by group. unknown:
    tensors that are neither in the backbone nor known to lie beside one. spaces: dimension by name of space,
    ``general`` first; empty if the match is not complete. assumed: those of the notes that nobody stated.
    """

    contents: FileContents
    family: str
    architecture: Architecture | None
    match: matching.Match
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    spaces: Mapping[str, int]
    preprocessing: ResolvedPreprocessing | None
    assumed: tuple[str, ...] = ()


def inspect_file(path: Path, options: ImportOptions = ImportOptions()) -> Inspection:  # frozen
    """Read a foreign file, recognise its architecture and match its tensors.

    Raises UserError where the file cannot be read, and where the user must decide.
    """
    contents = reading.read_tensors(path)
    export = export_statement.read_statement(path, contents.metadata, contents.tensors)
    key_map = key_maps.read_key_map(options.key_map) if options.key_map else None
    arch, architecture_options = options.arch or (key_map.arch if key_map else ""), options.architecture_options
    own_network = ":" in arch and not arch.startswith((architectures.TORCHVISION, architectures.TIMM))
    routed = tensor_routing.route_tensors(contents, key_map, options.key_map, own_network=own_network)
    tensors, renamed = tensor_names.to_library_names(routed.backbone)
    notes = [f"names translated from {renamed}"] if renamed else []
    averages = [group for group in routed.left_out if families.AVERAGES.match(group)]
    notes += [f"the weights as trained, not their moving average ({', '.join(averages)})"] if averages else []
    if export and export.architecture and not arch:
        arch = export.architecture.name
        architecture_options = {**export.architecture.options, **architecture_options}
    stated = transformers_config.StatedConfig()
    if renamed == tensor_names.TRANSFORMERS and not arch:
        stated = transformers_config.read_beside(path)
        architecture_options = {**({"num_heads": stated.heads} if stated.heads else {}), **architecture_options}
    tower = renamed == tensor_names.TOWER and not arch
    if tower:
        stated = transformers_config.read_beside(path, transformers_towers.ACTIVATIONS)
    grid = (key_map.grid if key_map else None) or stated.grid
    heads = architecture_options.get("num_heads")
    found = (
        transformers_towers.recognise_tower(tensors, stated, int(heads) if heads else None)
        if tower
        else recognising.recognise_architecture(tensors, routed, arch, options.stem_padding, architecture_options, grid)
    )
    if found is None:
        nothing = matching.Match({}, unexpected=tuple(tensors))
        family = "none known" if routed.family == "torchvision" else routed.family
        return Inspection(contents, family, None, nothing, routed.left_out, routed.unknown, tuple(notes), {}, None)
    found = found if tower else transformers_config.complete(found, stated)
    preprocessing = preprocessings.resolve_preprocessing(
        found.architecture,
        contents.sha256,
        options.preprocessing,
        timm_config=options.timm_config,
        export=export,
        stated=stated.preprocessing,
    )
    image_size = preprocessing.values.image_size
    architecture = preprocessings.adapt_to_image_size(found.architecture, image_size)
    if key_map:
        architecture = tensor_routing.set_head_widths(architecture, routed, separate=key_map.separate)
    spaces = tuple(routed.heads or routed.stages)
    network = architectures.build_without_weights(architecture, spaces)
    left_out = dict(routed.left_out)
    if isinstance(network, LibraryNetwork):
        tensors, renamed_by_timm = timm_names.rename_with_timm(tensors, network.net)
        notes += renamed_by_timm
    tensors = tensor_routing.drop_heads(tensors, network, options.heads, left_out)
    names = {name: tensor_routing.to_network_name(name, network) for name in tensors}
    if key_map:
        tensors, names = tensor_routing.add_stages_and_heads(tensors, names, routed)
    match = matching.match_tensors(tensors, network.state_dict(), names)
    published = preprocessings.find_torchvision_weights(contents.sha256)
    assumed = () if published else (*((export.assumed,) if export and export.assumed else ()), *found.assumed)
    return Inspection(
        contents,
        routed.family,
        architecture,
        match,
        left_out,
        routed.unknown,
        (*notes, *found.given, *assumed, *match.notes),
        _measure_dimensions(architecture, spaces, match.weights, image_size) if match.complete else {},
        preprocessing,
        assumed,
    )


def convert_to_checkpoint(inspection: Inspection, options: ImportOptions) -> Checkpoint:
    """Convert an inspected file to a checkpoint of loocbench's own.

    Raises UserError unless the architecture is known and every tensor of network and backbone is matched.
    """
    contents, match = inspection.contents, inspection.match
    path = contents.path
    complete = inspection.architecture is not None and match.complete
    if not complete and (told := not_a_backbone.describe_content(contents.tensors)):
        raise UserError(f"{path} {told}.")
    if inspection.architecture is None or inspection.preprocessing is None:
        hint = map_hints.suggest_backbone(contents.tensors)
        raise UserError(
            f"the tensors of {path} are of no architecture that is recognised; name it with --arch NAME, timm:NAME or "
            f"package.module:function{f', or say with --map {hint}' if hint else ''} ('loocbench checkpoints inspect' "
            "lists what the file holds)."
        )
    if not match.complete:
        missing = [tensor_routing.to_library_name(name) for name in match.missing]
        hint = map_hints.suggest_lines(contents.tensors, missing, match.unexpected)
        raise UserError(
            f"{path} does not fit {inspection.architecture.name}: {match.describe_first_faults()}. 'loocbench "
            f"checkpoints inspect' lists all; {_suggest_architecture(inspection, options)}use --arch, --head or --map"
            f"{f', which says {hint}' if hint else ''}."
        )
    preprocessing = inspection.preprocessing
    own_name = path.resolve().name if path.is_dir() else path.stem
    name = options.name or re.sub(r"[^A-Za-z0-9._+-]+", "-", own_name).strip("-._+") or "checkpoint"
    card = CheckpointCard(
        format=2,
        name=files.require_name("checkpoint", name),
        architecture=inspection.architecture,
        source=WeightsSource(
            kind=options.kind,
            name=options.origin or (path.resolve() if path.is_dir() else path).name,
            revision=options.revision,
            sha256=contents.sha256,
            layout=inspection.family,
            preprocessing=preprocessing.known_from,
            assumed="; ".join(inspection.assumed),
        ),
        spaces=tuple(space for space in inspection.spaces if space != GENERAL),
        preprocessing=preprocessing.values,
        dataset=options.trained_on or preprocessing.trained_on or "unknown",
        edition="",
        split="",
        fingerprint="",
        images=0,
        epochs_done=0,
        created=provenance.now(),
        weights=native.weights_hash(match.weights),
        versions=provenance.versions() | in_use.find_used(architecture=inspection.architecture.name),
        hardware="",
    )
    return Checkpoint(card, match.weights, str(path))


def _suggest_architecture(inspection: Inspection, options: ImportOptions) -> str:
    """Return a hint at the architecture that the tensors are of, where the user named another one; else ""."""
    if not options.arch or not (inspection.match.missing or inspection.match.wrong):
        return ""
    try:
        alone = inspect_file(inspection.contents.path, replace(options, arch="", architecture_options={}))
    except UserError:
        return ""
    known = alone.architecture if alone.match.complete else None
    return f"its tensors are those of {known.name}: leave --arch out, or " if known else ""


def _measure_dimensions(
    architecture: Architecture, spaces: tuple[str, ...], weights: Mapping[str, Tensor], size: int
) -> dict[str, int]:
    """Return the dimension of each space, by a forward pass of one image.

    Raises UserError where the network does not return features.
    """
    network = architectures.build_with_weights(architecture, spaces, weights)
    try:
        with torch.inference_mode():
            features = network.eval().forward_spaces(torch.zeros(1, 3, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        if architecture.name.startswith(architectures.PYTHON):
            raise  # the traceback shows where the user's own code fails
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{architecture.name} takes no images of {size} px ({reason}); give --image-size.") from error
    return {name: values.shape[1] for name, values in features.items()}
