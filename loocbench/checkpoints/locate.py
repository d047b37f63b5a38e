"""Checkpoints by reference: a file, a run's name or folder, a model of a library or hub, or an untrained network."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from loocbench.checkpoints import kept_epochs, native, untrained
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
    if reference.startswith(RANDOM):
        name = reference.removeprefix(RANDOM)
        if name not in backbone_names.list_backbones() and (
            Path(name).exists() or (runs / name / native.FILE).is_file()
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
        if (folder / native.FILE).is_file():
            return native.load(folder / native.FILE)
    if kept := kept_epochs.find_file(runs, reference):
        return native.load(kept)
    if path.is_dir():
        return load_file(path)
    if path.suffix or len(path.parts) > 1:
        raise UserError(
            f"no checkpoint at {path}; name a file, a run's folder, torchvision:NAME, timm:NAME, hf:ORG/REPO or "
            "random:BACKBONE."
        )
    folders = [file.parent for file in _list_checkpoints(runs)]
    names = [name for folder in folders for name in (folder.name, *kept_epochs.list_names(folder))]
    raise unknown("checkpoint", reference, names, listed_by="loocbench checkpoints ls")


def load_file(path: Path) -> Checkpoint:
    """Load a checkpoint file in loocbench's format, or import a foreign file or folder. Raises UserError."""
    from loocbench.checkpoints.foreign import importing, inspecting

    if native.is_native(path):
        return native.load(path)
    options = inspecting.ImportOptions()
    return importing.convert_to_checkpoint(inspecting.inspect_file(path, options), options)


def find_newest(runs: Path = Path("runs")) -> Path:
    """The file of the most recently pretrained checkpoint below ``runs``, by the number and the date in its card.

    Imported checkpoints are left out: they must be named. Raises UserError if there is none.
    """
    cards = []
    for file in _list_checkpoints(runs):
        try:
            card = native.read_card(file)
        except UserError:
            continue  # a damaged file must not hide the others; loading it by name reports it
        if card.recipe is not None:
            cards.append((card.number, card.created, file))
    if not cards:
        raise UserError(
            f"no checkpoint in {runs}/ yet; make one with 'loocbench pretrain' or name one with --checkpoint."
        )
    return max(cards)[-1]


def next_number(runs: Path) -> int:
    """The number of a checkpoint that is written below ``runs`` now: larger than those that are there."""
    numbers = [0]
    for file in _list_checkpoints(runs):
        with suppress(UserError):  # a damaged file
            numbers.append(native.read_card(file).number)
    return max(numbers) + 1


def _list_checkpoints(runs: Path) -> list[Path]:
    return sorted(runs.glob(f"*/{native.FILE}"))
