"""Which checkpoint a command means: a file of ours or another's, a run, a library's or a hub's model, or the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from loocbench.checkpoints import native, sources
from loocbench.checkpoints.foreign import importing
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.models import architectures, backbones
from loocbench.pretraining import recipes
from loocbench.pretraining.step import build_network
from loocbench.types import RANDOM, Architecture, CheckpointCard, Preprocessing, Source


def load(reference: str, *, runs: Path = Path("runs"), seed: int = 0) -> Checkpoint:
    """Load the checkpoint that ``reference`` names.

    A path of a file, of loocbench's own or another's; of a run's folder; the name of a run below ``runs``;
    ``torchvision:NAME[:WEIGHTS]``, ``timm:NAME``, ``hf:ORG/REPO[@REVISION]``; ``random:ARCHITECTURE`` for an untrained
    network drawn from ``seed``, and ``random:CHECKPOINT`` for one like a checkpoint that exists. Raises UserError.
    """
    if reference.startswith(RANDOM):
        name = reference.removeprefix(RANDOM)
        if name not in backbones.names() and (Path(name).exists() or (runs / name / native.FILE).is_file()):
            return _untrained_twin(load(name, runs=runs, seed=seed).card, seed)
        return untrained(name, seed)
    if sources.is_remote(reference):
        return sources.load(reference)
    path = Path(reference)
    if path.is_file():
        return of_file(path)
    for folder in (path, runs / reference):
        if (folder / native.FILE).is_file():
            return native.load(folder / native.FILE)
    if path.suffix or len(path.parts) > 1:
        raise UserError(
            f"no checkpoint at {path}; name a file, a run's folder, torchvision:NAME, timm:NAME, hf:ORG/REPO or "
            "random:BACKBONE."
        )
    raise unknown("checkpoint", reference, [file.parent.name for file in _all(runs)])


def of_file(path: Path) -> Checkpoint:
    """A file of loocbench's own, or another's that is imported on the way. Raises UserError."""
    if native.is_native(path):
        return native.load(path)
    choice = importing.Choice()
    return importing.checkpoint(importing.examine(path, choice), choice)


def newest(runs: Path = Path("runs")) -> Path:
    """The checkpoint below ``runs`` that was pretrained last, by its card. Raises UserError if there is none.

    An imported one is never meant without its name.
    """
    cards = []
    for file in _all(runs):
        try:
            card = native.read_card(file)
        except UserError:
            continue  # a damaged neighbour is no reason to refuse; named outright, it is refused
        if card.recipe is not None:
            cards.append((card.created, file))
    if not cards:
        raise UserError(
            f"no checkpoint in {runs}/ yet; make one with 'loocbench pretrain' or name one with --checkpoint."
        )
    return max(cards)[1]


def untrained(backbone: str, seed: int, image_size: int | None = None) -> Checkpoint:
    """An untrained network as a checkpoint, the baseline row of every table. image_size: default the backbone's own."""
    if backbone not in backbones.names() and (":" in backbone or _known(backbone)):
        architecture = Architecture(name=architectures.named(backbone))
        size = image_size or architectures.default_image_size(architecture.name)
        name = architecture.name.rpartition(":")[2]
        return _untrained_foreign(name, architecture, None, recipes.preprocessing(size), "assumed: ImageNet's", seed)
    recipe = recipes.untrained(backbone, seed, image_size)
    weights = build_network(recipe).state_dict()
    origin = {"recipe": recipe, "spaces": recipes.spaces(recipe)}
    return _untrained(backbone, seed, weights, recipes.preprocessing(recipe.image_size), origin)


def _known(name: str) -> bool:
    try:
        architectures.named(name)
    except UserError:
        return False
    return True


def _untrained_twin(card: CheckpointCard, seed: int) -> Checkpoint:
    """An untrained network of a checkpoint's architecture, which sees images as that one does."""
    if card.architecture is None:
        return untrained(card.backbone, seed, card.preprocessing.image_size)
    how = f"that of {card.name}"
    return _untrained_foreign(card.name, card.architecture, card.spaces, card.preprocessing, how, seed)


def _untrained_foreign(
    name: str,
    architecture: Architecture,
    spaces: tuple[str, ...] | None,
    preprocessing: Preprocessing,
    how: str,
    seed: int,
) -> Checkpoint:
    """spaces: None for the network's own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = architectures.build(architecture, spaces or ())
    weights = network.state_dict()
    origin = {
        "format": 2,
        "architecture": architecture,
        "source": Source(kind="random", name=architecture.name, preprocessing=how),
        "spaces": network.spaces if spaces is None else spaces,
    }
    return _untrained(name, seed, weights, preprocessing, origin)


def _untrained(
    name: str, seed: int, weights: dict[str, torch.Tensor], preprocessing: Preprocessing, origin: dict[str, Any]
) -> Checkpoint:
    """origin: the fields of its card that say which network it is."""
    card = CheckpointCard(
        name=f"random-{name}-s{seed}",
        preprocessing=preprocessing,
        **origin,
        dataset="none",
        edition="",
        split="none",
        fingerprint="",
        images=0,
        epochs_done=0,
        created="",
        weights=native.weights_hash(weights),
        versions={},
        hardware="",
    )
    return Checkpoint(card, weights, f"{RANDOM}{name}")


def _all(runs: Path) -> list[Path]:
    return sorted(runs.glob(f"*/{native.FILE}"))
