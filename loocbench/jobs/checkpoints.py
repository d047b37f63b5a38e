"""Inspecting, importing, exporting and pulling checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loocbench import files
from loocbench.checkpoints import card_file, kept_epochs, listing, locate, native, remote, trust
from loocbench.checkpoints.foreign import importing, inspecting
from loocbench.checkpoints.foreign.inspecting import ImportOptions, Inspection
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.exports import exporting, onnx_export
from loocbench.features.encoder import Encoder
from loocbench.models import architectures
from loocbench.models.preprocessing import describe_preprocessing
from loocbench.types import RANDOM, REMOTE, CheckpointCard


def inspect_checkpoint(reference: str, options: ImportOptions, runs: Path) -> Inspection | CheckpointCard:
    """Return what a foreign file holds and how it matches, or the card of a native checkpoint. Raises UserError.

    reference: all that :func:`loocbench.checkpoints.locate.load` takes.
    """
    path, options = _locate_file(reference, options)
    if not path.exists() and (runs / reference / card_file.FILE).is_file():
        path = runs / reference / card_file.FILE
    if not path.exists() and (kept := kept_epochs.find_file(runs, reference)):
        path = kept
    if reference.startswith(RANDOM) or not path.exists():
        return locate.load(reference, runs=runs).card
    return native.load_unconfirmed(path).card if card_file.is_native(path) else inspecting.inspect_file(path, options)


def import_checkpoint(
    reference: str, options: ImportOptions, runs: Path, *, overwrite: bool
) -> tuple[CheckpointCard, Path, Inspection | None]:
    """Import a foreign file, or a model of a library or hub, as a checkpoint below ``runs``.

    A native checkpoint is copied, and the user code that its card names is confirmed if ``options.arch`` names it too.
    Returns the card, the path, and for a foreign file its inspection. Raises UserError unless every tensor of the
    backbone is matched, and for a name that is taken.
    """
    path, options = _locate_file(reference, options)
    inspection = None
    if card_file.is_native(path):
        checkpoint = _load_native(path, options)
    else:
        inspection = inspecting.inspect_file(path, options)
        checkpoint = importing.convert_to_checkpoint(inspection, options)
    card, written = _save_in_runs(checkpoint, options.name, runs, overwrite=overwrite)
    trust.confirm_code(card)
    return card, written, inspection


def pull_checkpoint(
    repository: str, name: str, runs: Path, *, overwrite: bool
) -> tuple[CheckpointCard, Path, Inspection | None]:
    """Do what :func:`import_checkpoint` does, from a hub's repository; the commit is recorded in the card.

    User code that the card names is not confirmed.
    """
    reference = f"{remote.HF}{repository.removeprefix(remote.HF)}"
    path, options = remote.fetch(reference, ImportOptions(name=name))
    if not card_file.is_native(path):
        return import_checkpoint(reference, ImportOptions(name=name), runs, overwrite=overwrite)
    checkpoint = remote.record_origin(native.load_unconfirmed(path), options)
    return *_save_in_runs(checkpoint, name, runs, overwrite=overwrite), None


def export_checkpoint(
    reference: str, layout: str, output: Path, runs: Path, *, space: str | None, features: str | None, seed: int
) -> str:
    """Write a checkpoint's backbone in another format. Returns a line on what was written and checked.

    layout: torchvision, timm or onnx. space: the space whose last stage is written, if each has its own. features:
    output of the ONNX graph. Raises UserError.
    """
    exporting.check_suffix(output, layout)
    checkpoint = locate.load(reference, runs=runs, seed=seed)
    if layout != "onnx":
        weights = exporting.rename_tensors(checkpoint, layout, space)
        exporting.write_tensors(output, checkpoint, layout, weights)
        values = describe_preprocessing(checkpoint.card.preprocessing)
        return f"{len(weights)} tensors under {layout}'s names; images, as the file states: {values}"
    encoder = Encoder.from_checkpoint(checkpoint)
    name = features or encoder.default_features
    difference = onnx_export.export_onnx(output, encoder, name)
    checked = (
        "not checked: onnxruntime is not installed"
        if difference is None
        else f"ONNX Runtime's features differ from torch's by at most {difference:.1e} of the largest"
    )
    return f"images in [0, 1] at {encoder.preprocessing.image_size} px -> {name}; {checked}"


def _save_in_runs(checkpoint: Checkpoint, name: str, runs: Path, *, overwrite: bool) -> tuple[CheckpointCard, Path]:
    """Save a checkpoint below ``runs``. name: default its own. Raises UserError for a name that is taken."""
    kept_as = files.require_name("checkpoint", name or checkpoint.card.name)
    card = checkpoint.card.model_copy(update={"name": kept_as, "number": listing.next_number(runs)})
    path = runs / card.name / card_file.FILE
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists; choose another --name, or --overwrite it.")
    if kept := kept_epochs.find_file(runs, card.name):
        raise UserError(f"{card.name} is the name of {kept}; choose another --name.")
    native.save(path, card, checkpoint.weights)
    return card, path


def _locate_file(reference: str, options: ImportOptions) -> tuple[Path, ImportOptions]:
    if reference.startswith(REMOTE):
        return remote.fetch(reference, options)
    path = Path(reference)
    return (path / card_file.FILE if (path / card_file.FILE).is_file() else path), options


def _load_native(path: Path, options: ImportOptions) -> Checkpoint:
    checkpoint = native.load_unconfirmed(path)
    wanted = checkpoint.card.backbone
    if options.arch and architectures.resolve_name(options.arch) != wanted:
        raise UserError(f"{path} is a checkpoint of {wanted}, not of {options.arch}; leave --arch out.")
    if not options.arch:
        trust.require_confirmed_code(checkpoint.card, str(path))
    return remote.record_origin(checkpoint, options) if options.kind == "hf" else replace(checkpoint, where=str(path))
