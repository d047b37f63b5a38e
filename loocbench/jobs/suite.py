"""Run a suite: pretrain its models, measure them on its tasks, draw the galleries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loocbench import files
from loocbench.cards import tasks
from loocbench.cards.suites import SuiteCard, SuiteModel, recipe_of
from loocbench.checkpoints import locate, native
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.features.encoder import Encoder
from loocbench.jobs import gallery, pretrain
from loocbench.jobs.measure import opened, row_of
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.training import SPLIT
from loocbench.types import Dataset, Recipe
from loocbench.watching import Watcher


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
                dataset, other = opened(task_card, places.data_dir)
                measurement = Measurement(task_card, encoder, dataset, features, seed, places.cache, watcher, other)
                row_of(measurement, results=places.results, suite=card.suite, overwrite=overwrite)
                if task_card.evaluator == "retrieval" and features == encoder.default_features:
                    pictures.append(gallery.draw([measurement], folder / f"gallery-{encoder.card.name}.png"))
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
        recipe = recipe_of(card, model, seed=seed)
        return locate.untrained(recipe.backbone, seed, recipe.image_size)
    recipe = recipe_of(card, model, seed=seed)
    name = f"{card.suite}-{pretrain.run_name(recipe, card.pretrain_on)}"
    dataset = catalog.open_dataset(card.pretrain_on, places.data_dir)
    if not overwrite and (kept := _finished(places.runs / name / native.FILE, recipe, dataset)):
        watcher.say(f"{name}: kept, trained before with the same recipe on the same images (--overwrite trains again)")
        return kept
    path = pretrain.pretrain(
        recipe,
        dataset,
        name=name,
        runs=places.runs,
        cache=places.cache,
        device=device,
        existing="overwrite" if overwrite else "resume-or-overwrite",
        watcher=watcher,
    )
    return native.load(path)


def _finished(path: Path, recipe: Recipe, dataset: Dataset) -> Checkpoint | None:
    """The checkpoint at ``path`` if it is whole and its run ended, had this recipe, and saw these images."""
    if not path.is_file():
        return None
    try:
        found = native.load(path)
    except UserError:
        return None
    card = found.card
    wanted = (recipe, recipe.epochs, dataset.splits[SPLIT].fingerprint, dataset.edition())
    return found if (card.recipe, card.epochs_done, card.fingerprint, card.edition) == wanted else None
