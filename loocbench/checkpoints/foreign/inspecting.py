"""What a foreign file holds, the architecture that its tensors are of, and where every tensor went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from loocbench.checkpoints.foreign import (
    export_statement,
    families,
    key_maps,
    matching,
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
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.types import Architecture


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
