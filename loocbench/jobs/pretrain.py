"""Pretrain one model: from a recipe and a data set to ``runs/<name>/``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.data import prepared
from loocbench.errors import UserError
from loocbench.jobs.watching import Watcher
from loocbench.pretraining import recipes
from loocbench.pretraining.loop import Run
from loocbench.types import Card, Dataset, Recipe

SPLIT = "train"


def run_name(recipe: Recipe, dataset: str) -> str:
    """The run's name when none is given: method, augmentations, data set, seed."""
    parts = (
        [recipe.method, *recipe.left_out]
        if recipe.left_out
        else [recipe.method, *(name for name in recipe.augmentations if name != "color")]
    )
    return "-".join([*parts, dataset, f"s{recipe.seed}"]).replace("++", "pp")


def pretrain(
    recipe: Recipe,
    dataset: Dataset,
    *,
    name: str,
    runs: Path,
    cache: Path,
    device: str,
    overwrite: bool,
    watcher: Watcher,
) -> Path:
    """Train and leave ``runs/name/`` with checkpoint.safetensors, card.json and log.jsonl. Returns the checkpoint.

    The checkpoint is replaced, whole, after every epoch. Raises UserError when the run exists and ``overwrite`` is
    false, and on a KeyboardInterrupt, saying what was kept; before the first epoch's end nothing is left behind.
    """
    folder = runs / name
    if (folder / native.FILE).exists() and not overwrite:
        raise UserError(f"run {folder} exists; choose another --name, or --overwrite it.")
    files.require_writable(runs)
    split = dataset.splits[SPLIT]
    resize = recipes.preprocessing(recipe.image_size).resize
    try:
        images = prepared.prepare(
            dataset,
            split,
            resize,
            cache=cache,
            on_progress=lambda done, total: watcher.advance("decode", done, total),
        )
        run = Run(recipe, images, torch.device(device))
        return _train(run, dataset, name, folder, watcher)
    except KeyboardInterrupt as error:
        raise UserError(_interrupted(folder)) from error


def _train(run: Run, dataset: Dataset, name: str, folder: Path, watcher: Watcher) -> Path:
    recipe = run.recipe
    log: list[str] = []
    total = recipe.epochs * (len(run.images) // recipe.batch_size)
    if recipe.epochs == 0:
        _save(run, dataset, name, folder, 0, log)
    for done, progress in enumerate(run.steps(), 1):
        spaces = " ".join(f"{space} {loss:.2f}" for space, loss in progress.losses.items())
        epoch = f"epoch {progress.epoch}/{recipe.epochs}"
        detail = f"{epoch}, loss {progress.loss:.3f} ({spaces}), {progress.images_per_second:.0f} images/s"
        watcher.advance(name, done, total, detail)
        if progress.ends_epoch:
            log.append(json.dumps({**asdict(progress), "loss": progress.loss, "time": provenance.now()}))
            _save(run, dataset, name, folder, progress.epoch, log)
    return folder / native.FILE


def _save(run: Run, dataset: Dataset, name: str, folder: Path, epochs_done: int, log: list[str]) -> None:
    recipe, split = run.recipe, dataset.splits[SPLIT]
    weights = run.network.state_dict()
    card = Card(
        name=name,
        recipe=recipe,
        spaces=recipes.spaces(recipe),
        preprocessing=recipes.preprocessing(recipe.image_size),
        dataset=dataset.name,
        dataset_note=dataset.note,
        split=SPLIT,
        fingerprint=split.fingerprint,
        images=len(split),
        epochs_done=epochs_done,
        created=provenance.now(),
        weights=native.weights_hash(weights),
        versions=provenance.versions(),
        hardware=provenance.hardware(str(run.device)),
    )
    native.save(folder / native.FILE, card, weights)
    files.write_text(folder / "card.json", card.model_dump_json(indent=1) + "\n")
    files.write_text(folder / "log.jsonl", "".join(line + "\n" for line in log))


def _interrupted(folder: Path) -> str:
    if not (folder / native.FILE).exists():
        return "interrupted before the first epoch ended; nothing was kept. Run the same command to start again."
    card = native.read_card(folder / native.FILE)
    return (
        f"interrupted; {folder} keeps the checkpoint of epoch {card.epochs_done} of {card.recipe.epochs}. "
        "Use it as it is, or run the same command with --overwrite to start again."
    )
