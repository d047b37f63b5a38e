"""Importing a foreign file that was inspected: a checkpoint of loocbench's own, or what the user must decide."""

from __future__ import annotations

import re
from dataclasses import replace

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.checkpoints.foreign import map_hints, not_a_backbone, tensor_routing
from loocbench.checkpoints.foreign.inspecting import ImportOptions, Inspection, inspect_file
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models.spaces import GENERAL
from loocbench.plugins import in_use
from loocbench.types import CheckpointCard, WeightsSource


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
