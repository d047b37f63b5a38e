"""Inspecting, importing, exporting, pushing and pulling checkpoints."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from loocbench import files
from loocbench.checkpoints import hub, locate, native, sources, trust
from loocbench.checkpoints.foreign import importing
from loocbench.checkpoints.foreign.importing import Choice, Examination
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.exports import exporting, model_card
from loocbench.features.encoder import Encoder
from loocbench.models import architectures
from loocbench.types import CheckpointCard


def inspect(reference: str, choice: Choice) -> Examination | CheckpointCard:
    """What a foreign file holds and how it matches; of a file of ours, its card. Raises UserError."""
    path, choice = _fetched(reference, choice)
    return native.load_unconfirmed(path).card if native.is_native(path) else importing.examine(path, choice)


def import_(
    reference: str, choice: Choice, runs: Path, *, overwrite: bool
) -> tuple[CheckpointCard, Path, Examination | None]:
    """Make a foreign file, or a library's or hub's model, a checkpoint below ``runs``, named as ``choice`` says.

    A file of ours is copied under that name, and the code that its card wants is confirmed where ``choice.arch`` names
    it. Raises UserError unless every tensor of the backbone is matched, and for a name that is taken.
    """
    path, choice = _fetched(reference, choice)
    examination = None
    if native.is_native(path):
        found = _of_ours(path, choice)
    else:
        examination = importing.examine(path, choice)
        found = importing.checkpoint(examination, choice)
    card, place = _kept(found, choice.name, runs, overwrite=overwrite)
    trust.confirm(card)
    return card, place, examination


def pull(repository: str, name: str, runs: Path, *, overwrite: bool) -> tuple[CheckpointCard, Path, Examination | None]:
    """:func:`import_` from a hub's repository, its commit recorded. Code that the card wants is not confirmed by it."""
    reference = f"{sources.HF}{repository.removeprefix(sources.HF)}"
    path, choice = sources.fetch(reference, Choice(name=name))
    if not native.is_native(path):
        return import_(reference, Choice(name=name), runs, overwrite=overwrite)
    found = sources.pulled(native.load_unconfirmed(path), choice)
    return *_kept(found, name, runs, overwrite=overwrite), None


def export(
    reference: str, layout: str, output: Path, runs: Path, *, space: str | None, features: str | None, seed: int
) -> str:
    """Write a checkpoint's backbone in another layout. Returns what was written and checked. Raises UserError."""
    exporting.require_suffix(output, layout)
    checkpoint = locate.load(reference, runs=runs, seed=seed)
    if layout != "onnx":
        weights = exporting.tensors(checkpoint, layout, space)
        exporting.write(output, weights)
        return f"{len(weights)} tensors under {layout}'s names"
    encoder = Encoder.from_checkpoint(checkpoint)
    name = features or encoder.default_features
    difference = exporting.onnx(output, encoder, name)
    checked = (
        "not checked: onnxruntime is not installed"
        if difference is None
        else f"ONNX Runtime's features differ from torch's by at most {difference:.1e} of the largest"
    )
    return f"images in [0, 1] at {encoder.preprocessing.image_size} px -> {name}; {checked}"


def push(reference: str, repository: str, runs: Path, *, private: bool, seed: int) -> str:
    """Upload a checkpoint with its card as a page. Returns the commit. Raises UserError."""
    checkpoint = locate.load(reference, runs=runs, seed=seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        native.save(folder / native.FILE, checkpoint.card, checkpoint.weights)
        page = model_card.render(Encoder.from_checkpoint(checkpoint), repository)
        files.write_text(folder / "README.md", page)
        return hub.push(repository, folder, private=private, message=f"{checkpoint.card.name}, by loocbench")


def _kept(found: Checkpoint, name: str, runs: Path, *, overwrite: bool) -> tuple[CheckpointCard, Path]:
    """Write a checkpoint below ``runs``, by default under its own name. Raises UserError for a name that is taken."""
    card = found.card.model_copy(update={"name": files.require_name("checkpoint", name or found.card.name)})
    place = runs / card.name / native.FILE
    if place.exists() and not overwrite:
        raise UserError(f"{place} exists; choose another --name, or --overwrite it.")
    native.save(place, card, found.weights)
    return card, place


def _fetched(reference: str, choice: Choice) -> tuple[Path, Choice]:
    if sources.is_remote(reference):
        return sources.fetch(reference, choice)
    path = Path(reference)
    return (path / native.FILE if (path / native.FILE).is_file() else path), choice


def _of_ours(path: Path, choice: Choice) -> Checkpoint:
    found = native.load_unconfirmed(path)
    wanted = found.card.backbone
    if choice.arch and architectures.named(choice.arch) != wanted:
        raise UserError(f"{path} is a checkpoint of {wanted}, not of {choice.arch}; leave --arch out.")
    if not choice.arch:
        trust.require(found.card, str(path))
    return sources.pulled(found, choice) if choice.kind == "hf" else replace(found, where=str(path))
