"""Run a suite: pretrain its models, measure them on its tasks, draw the galleries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loocbench import files
from loocbench.cards import tasks
from loocbench.cards.suites import SuiteCard, SuiteModel
from loocbench.checkpoints import locate, native
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.features.encoder import Encoder
from loocbench.jobs import gallery, pretrain
from loocbench.jobs.measure import Measurement, row_of
from loocbench.jobs.watching import Watcher
from loocbench.pretraining import recipes
from loocbench.types import Recipe


@dataclass(frozen=True)
class Places:
    """The folders that a suite reads and writes."""

    data_dir: Path | None
    runs: Path
    results: Path
    cache: Path


def run(card: SuiteCard, places: Places, *, device: str, seed: int, overwrite: bool, watcher: Watcher) -> list[Path]:
    """Do what is missing: finished runs of the same recipe and measured rows are kept. Returns the pictures."""
    folder = places.results / card.suite
    files.require_writable(folder)
    pictures = []
    for number, model in enumerate(card.models, 1):
        checkpoint = _checkpoint(card, model, places, device=device, seed=seed, overwrite=overwrite, watcher=watcher)
        encoder = Encoder.from_checkpoint(checkpoint, device=device)
        watcher.say(f"[{number}/{len(card.models)}] {encoder.card.label}: measuring")
        for task in card.tasks:
            for features in model.features:
                task_card = tasks.load(task)
                dataset = catalog.open_dataset(task_card.dataset, places.data_dir)
                measurement = Measurement(task_card, encoder, dataset, features, seed, places.cache, watcher)
                row_of(measurement, results=places.results, suite=card.suite, overwrite=overwrite)
                if task_card.evaluator == "retrieval" and features == encoder.default_features:
                    pictures.append(gallery.draw(measurement, folder / f"gallery-{encoder.card.name}.png"))
    return pictures


def _checkpoint(
    card: SuiteCard,
    model: SuiteModel,
    places: Places,
    *,
    device: str,
    seed: int,
    overwrite: bool,
    watcher: Watcher,
) -> Checkpoint:
    """The model's checkpoint: untrained, kept from before, or pretrained now."""
    if model.method == "random":
        return locate.untrained(card.budget.backbone, seed)
    recipe = recipes.make(
        model.method,
        augmentations=model.augmentations or None,
        left_out=model.left_out,
        seed=seed,
        **card.budget.model_dump(),
    )
    name = f"{card.suite}-{pretrain.run_name(recipe, card.pretrain_on)}"
    if not overwrite and (kept := _finished(places.runs / name / native.FILE, recipe)):
        watcher.say(f"{name}: kept, trained before with the same recipe (--overwrite trains again)")
        return kept
    path = pretrain.pretrain(
        recipe,
        catalog.open_dataset(card.pretrain_on, places.data_dir),
        name=name,
        runs=places.runs,
        cache=places.cache,
        device=device,
        overwrite=True,
        watcher=watcher,
    )
    return native.load(path)


def _finished(path: Path, recipe: Recipe) -> Checkpoint | None:
    """The checkpoint at ``path`` if it is whole and its run had this recipe and ended."""
    if not path.is_file():
        return None
    try:
        found = native.load(path)
    except UserError:
        return None
    return found if found.card.recipe == recipe and found.card.epochs_done == recipe.epochs else None
