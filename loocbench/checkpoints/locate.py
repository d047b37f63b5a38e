"""Which checkpoint a command means: a file, a run, ``random:BACKBONE``, or the newest."""

from __future__ import annotations

from pathlib import Path

from loocbench.checkpoints import native
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.pretraining import recipes
from loocbench.pretraining.step import build_network
from loocbench.types import Card

RANDOM = "random:"


def load(reference: str, *, runs: Path = Path("runs"), seed: int = 0) -> Checkpoint:
    """Load the checkpoint that ``reference`` names.

    A path of a file or of a run's folder; the name of a run below ``runs``; ``random:BACKBONE`` for an untrained
    network drawn from ``seed``. Raises UserError.
    """
    if reference.startswith(RANDOM):
        return untrained(reference.removeprefix(RANDOM), seed)
    path = Path(reference)
    if path.is_file():
        return native.load(path)
    for folder in (path, runs / reference):
        if (folder / native.FILE).is_file():
            return native.load(folder / native.FILE)
    if path.suffix or len(path.parts) > 1:
        raise UserError(f"no checkpoint at {path}; name a .safetensors file, a run's folder, or random:BACKBONE.")
    raise unknown("checkpoint", reference, [file.parent.name for file in _all(runs)])


def newest(runs: Path = Path("runs")) -> Path:
    """The checkpoint file below ``runs`` that was written last, by its card. Raises UserError if there is none."""
    cards = []
    for file in _all(runs):
        try:
            cards.append((native.read_card(file).created, file))
        except UserError:
            continue  # a damaged neighbour is no reason to refuse; named outright, it is refused
    if not cards:
        raise UserError(
            f"no checkpoint in {runs}/ yet; make one with 'loocbench pretrain' or name one with --checkpoint."
        )
    return max(cards)[1]


def untrained(backbone: str, seed: int, image_size: int | None = None) -> Checkpoint:
    """An untrained network as a checkpoint, the baseline row of every table. image_size: default the backbone's own."""
    recipe = recipes.untrained(backbone, seed, image_size)
    weights = build_network(recipe).state_dict()
    card = Card(
        name=f"random-{backbone}-s{seed}",
        recipe=recipe,
        spaces=recipes.spaces(recipe),
        preprocessing=recipes.preprocessing(recipe.image_size),
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
    return Checkpoint(card, weights, f"{RANDOM}{backbone}")


def _all(runs: Path) -> list[Path]:
    return sorted(runs.glob(f"*/{native.FILE}"))
