"""Checkpoints by reference: a file, a run's name or folder, a model of a library or hub, or an untrained network."""

from __future__ import annotations

from pathlib import Path

from loocbench.checkpoints import card_file, kept_epochs, listing, native, untrained
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.models import backbone_names
from loocbench.types import RANDOM, REMOTE


def load(reference: str, *, runs: Path = Path("runs"), seed: int = 0) -> Checkpoint:
    """Load the checkpoint that ``reference`` names.

    reference: the path of a file in loocbench's format or another, or of a folder that holds it or its shards; the
    folder of a run, its name below ``runs``, or ``NAME-epoch5`` for what it keeps of an epoch;
    ``torchvision:NAME[:WEIGHTS]``, ``timm:NAME`` or ``hf:ORG/REPO[@REVISION]``; ``random:ARCHITECTURE`` for an
    untrained network drawn from ``seed``, or ``random:CHECKPOINT`` for an untrained one with the architecture and
    preprocessing of an existing checkpoint. Raises UserError.
    """
    if reference in (RANDOM, RANDOM.rstrip(":")):
        raise UserError("an untrained network is random:BACKBONE, such as random:resnet18, or random:CHECKPOINT.")
    if reference.startswith(RANDOM):
        name = reference.removeprefix(RANDOM)
        if name not in backbone_names.list_backbones() and (
            Path(name).exists() or (runs / name / card_file.FILE).is_file() or kept_epochs.find_file(runs, name)
        ):
            return untrained.build_like(load(name, runs=runs, seed=seed).card, seed)
        return untrained.build_checkpoint(name, seed)
    if reference.startswith(REMOTE):
        from loocbench.checkpoints import remote

        return remote.load(reference)
    path = Path(reference)
    if path.is_file():
        return load_file(path)
    for folder in (path, runs / reference):
        if (folder / card_file.FILE).is_file():
            return native.load(folder / card_file.FILE)
    if kept := kept_epochs.find_file(runs, reference):
        return native.load(kept)
    if path.is_dir():
        return load_file(path)
    if path.suffix or len(path.parts) > 1:
        raise UserError(
            f"no checkpoint at {path}; name a file, a run's folder, torchvision:NAME, timm:NAME, hf:ORG/REPO or "
            "random:BACKBONE."
        )
    if reference in backbone_names.list_backbones():
        raise UserError(f"unknown checkpoint '{reference}'; the untrained network of that name is {RANDOM}{reference}.")
    folders = [file.parent for file in listing.list_files(runs)]
    names = [name for folder in folders for name in (folder.name, *kept_epochs.list_names(folder))]
    raise unknown("checkpoint", reference, names, listed_by="loocbench checkpoints ls")


def load_file(path: Path) -> Checkpoint:
    """Load a checkpoint file in loocbench's format, or import a foreign file or folder. Raises UserError."""
    from loocbench.checkpoints.foreign import importing, inspecting

    if card_file.is_native(path):
        return native.load(path)
    options = inspecting.ImportOptions()
    return importing.convert_to_checkpoint(inspecting.inspect_file(path, options), options)
