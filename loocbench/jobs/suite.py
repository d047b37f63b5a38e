"""Run a suite with models of its own: pretrain each, measure it on the tasks, draw the galleries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench import files
from loocbench.cards import tasks
from loocbench.cards.suites import SuiteCard, SuiteModel, recipe_of
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints import locate, native
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.features.encoder import DEFAULT, Encoder
from loocbench.features.engine import Engine
from loocbench.jobs import gallery, pretrain, select
from loocbench.jobs.measure import opened, row_of
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.training import SPLIT
from loocbench.records import store
from loocbench.types import SELECTED, Dataset, Recipe
from loocbench.watching import Watcher


@dataclass(frozen=True)
class Places:
    """The folders that a suite reads and writes."""

    data_dir: Path | None
    runs: Path
    results: Path
    cache: Path


@dataclass(frozen=True)
class Stage:
    """One checkpoint of a suite: what there is to train, and how many of its rows are stored.

    name: the run's, or the backbone's of an untrained network. rows: stored; of: how many there are to be.
    """

    model: SuiteModel
    recipe: Recipe
    name: str
    state: Literal["untrained", "trained", "to train"]
    rows: int
    of: int


def plan(card: SuiteCard, places: Places, *, seed: int) -> list[Stage]:
    """What there is to do, the first seed of every model first. Raises UserError where the data set is not there."""
    return [_stage(card, model, recipe, places, seed=seed) for model, recipe in _recipes(card, seed)]


def run(
    card: SuiteCard,
    places: Places,
    *,
    device: str,
    seed: int,
    overwrite: bool,
    watcher: Watcher,
    engine: Engine = DEFAULT,
) -> list[Path]:
    """Do what is missing: finished runs of the same recipe and measured rows are kept. Returns the pictures.

    seed: of all measurements, so that models are asked the same; pretraining's seeds are counted from it.
    """
    files.require_writable(places.results / card.suite)
    for name in card.tasks:
        opened(tasks.load(name), places.data_dir)  # told before hours of pretraining, not after
    every = _recipes(card, seed)
    pictured: dict[str, list[Measurement]] = {}
    for number, (model, recipe) in enumerate(every, 1):
        checkpoint = _checkpoint(card, recipe, places, device=device, overwrite=overwrite, watcher=watcher)
        encoder = Encoder.from_checkpoint(checkpoint, device=device, engine=engine)
        watcher.say(f"[{number}/{len(every)}] {encoder.card.label}, seed {recipe.seed}: measuring")
        for task, features in _rows(card, model):
            dataset, other = opened(task, places.data_dir)
            named = encoder.default_features if features == SELECTED else features
            measurement = Measurement(task, encoder, dataset, named, seed, places.cache, watcher, other)
            measure = select.row_of if features == SELECTED else row_of
            measure(measurement, results=places.results, suite=card.suite, overwrite=overwrite)
            first = model.pictured and recipe.seed == seed + model.seeds[0]
            if task.evaluator == "retrieval" and first and features == model.features[0]:
                pictured.setdefault(task.task, []).append(measurement)
    return [
        gallery.draw(measurements, store.gallery(places.results, card.suite, task))
        for task, measurements in pictured.items()
    ]


def _recipes(card: SuiteCard, seed: int) -> list[tuple[SuiteModel, Recipe]]:
    """Every checkpoint's; the first seed of all models, then the second: stopped early, no model is left out."""
    turns = range(max(len(model.seeds) for model in card.models))
    return [
        (model, recipe_of(card, model, seed=seed + model.seeds[turn]))
        for turn in turns
        for model in card.models
        if turn < len(model.seeds)
    ]


def _rows(card: SuiteCard, model: SuiteModel) -> Iterator[tuple[TaskCard, str]]:
    """Tasks and features of a model's rows."""
    for task in map(tasks.load, card.tasks):
        for features in model.features:
            if features != SELECTED or (task.evaluator == "linear" and task.protocol.solver == "path"):
                yield task, features


def _stage(card: SuiteCard, model: SuiteModel, recipe: Recipe, places: Places, *, seed: int) -> Stage:
    if recipe.method == "random":
        checkpoint: Checkpoint | None = _untrained(recipe)
        name, trained = recipe.backbone, False
    else:
        name, trained = _name(card, recipe), True
        dataset = catalog.open_dataset(card.pretrain_on, places.data_dir)
        checkpoint = _finished(places.runs / name / native.FILE, recipe, dataset)
    wanted = list(_rows(card, model))
    state: Literal["untrained", "trained", "to train"] = "trained" if checkpoint else "to train"
    return Stage(
        model,
        recipe,
        name,
        state if trained else "untrained",
        _stored(card, checkpoint, wanted, places, seed) if checkpoint else 0,
        len(wanted),
    )


def _stored(
    card: SuiteCard, checkpoint: Checkpoint, wanted: Sequence[tuple[TaskCard, str]], places: Places, seed: int
) -> int:
    """How many of the wanted rows there are."""
    whose = checkpoint.card
    return sum(
        store.locate(
            places.results, card.suite, whose.name, whose.weights, task.task, task.version, features, seed
        ).exists()
        for task, features in wanted
    )


def _name(card: SuiteCard, recipe: Recipe) -> str:
    return f"{card.suite}-{pretrain.run_name(recipe, card.pretrain_on)}"


def _untrained(recipe: Recipe) -> Checkpoint:
    return locate.untrained(recipe.backbone, recipe.seed, recipe.image_size)


def _checkpoint(
    card: SuiteCard, recipe: Recipe, places: Places, *, device: str, overwrite: bool, watcher: Watcher
) -> Checkpoint:
    """The recipe's checkpoint: untrained, kept from before, or pretrained now."""
    if recipe.method == "random":
        return _untrained(recipe)
    name = _name(card, recipe)
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
