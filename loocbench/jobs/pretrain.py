"""Pretrain one model: from a recipe and a data set to ``runs/<name>/``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock, Timeout

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.data import preparing
from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.errors import UserError
from loocbench.pretraining import recipes
from loocbench.pretraining.loop import Run
from loocbench.types import Card, Dataset, Recipe
from loocbench.watching import Watcher

SPLIT = "train"
Hold = Literal["disk", "memory", "device"]  # where the decoded images stay while the network trains
_HOLD: dict[Hold, Callable[[PreparedImages, torch.device], PreparedImages | DeviceImages]] = {
    "disk": lambda images, on: images,
    "memory": lambda images, on: images.in_memory(),
    "device": lambda images, on: images.on_device(on),
}


def run_name(recipe: Recipe, dataset: str) -> str:
    """The run's name when none is given: method, augmentations, data set, seed."""
    ordinary = [name for name in recipe.augmentations if name not in (*recipe.left_out, "color")]
    jitter = [] if "color" in recipe.augmentations else ["nocolor"]
    parts = [recipe.method.replace("++", "pp"), *recipe.left_out, *ordinary, *jitter, dataset, f"s{recipe.seed}"]
    return "-".join(parts)


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
    remedy: str = "",
    hold: Hold = "disk",
) -> Path:
    """Train and leave ``runs/name/`` with checkpoint.safetensors, card.json and log.jsonl. Returns the checkpoint.

    The checkpoint is replaced, whole, after every epoch. Raises UserError when the run exists and ``overwrite`` is
    false, when another process writes it, and on a KeyboardInterrupt, saying what was kept and the caller's ``remedy``;
    before the first epoch's end nothing is left behind. Raises UserError when the data set has no training images.
    """
    if SPLIT not in dataset.splits:
        raise UserError(f"{dataset.name} is a test set without training images; pretrain on another --dataset.")
    folder = runs / name
    files.require_writable(runs)
    try:
        with FileLock(runs / f".{name}.lock", timeout=0):
            if (folder / native.FILE).exists() and not overwrite:
                raise UserError(f"run {folder} exists; choose another --name, or --overwrite it.")
            return _Training(recipe, dataset, name, folder, watcher, remedy, hold).run(cache, device)
    except Timeout as error:
        raise UserError(f"another process is writing {folder}; wait for it, or choose another --name.") from error


@dataclass
class _Training:
    """One run being written. saved: epochs that this process has left in ``folder``."""

    recipe: Recipe
    dataset: Dataset
    name: str
    folder: Path
    watcher: Watcher
    remedy: str
    hold: Hold
    saved: int = 0

    def run(self, cache: Path, device: str) -> Path:
        """Decode, train, save after every epoch. Returns the checkpoint."""
        files.require_writable(self.folder)
        try:
            images = preparing.prepare(
                self.dataset,
                self.dataset.splits[SPLIT],
                recipes.preprocessing(self.recipe.image_size).resize,
                cache=cache,
                watcher=self.watcher,
            )
            on = torch.device(device)
            self._train(Run(self.recipe, _HOLD[self.hold](images, on), on))
        except KeyboardInterrupt as error:
            raise UserError(f"interrupted{self._kept()}") from error
        finally:
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
        return self.folder / native.FILE

    def _train(self, run: Run) -> None:
        log: list[str] = []
        total = self.recipe.epochs * run.steps_per_epoch
        if self.recipe.epochs == 0:
            self._save(run, 0, log)
        for done, progress in enumerate(run.steps(), 1):
            spaces = " ".join(f"{space} {loss:.2f}" for space, loss in progress.losses.items())
            epoch = f"epoch {progress.epoch}/{self.recipe.epochs}"
            detail = f"{epoch}, loss {progress.loss:.3f} ({spaces}), {progress.images_per_second:.0f} images/s"
            self.watcher.advance(self.name, done, total, detail)
            if progress.ends_epoch:
                log.append(json.dumps({**asdict(progress), "loss": progress.loss, "time": provenance.now()}))
                self._save(run, progress.epoch, log)

    def _save(self, run: Run, epochs_done: int, log: list[str]) -> None:
        split, weights = self.dataset.splits[SPLIT], run.network.state_dict()
        card = Card(
            name=self.name,
            recipe=self.recipe,
            spaces=recipes.spaces(self.recipe),
            preprocessing=recipes.preprocessing(self.recipe.image_size),
            dataset=self.dataset.name,
            dataset_note=self.dataset.note,
            skipped=self.dataset.skipped,
            edition=self.dataset.edition(),
            split=SPLIT,
            fingerprint=split.fingerprint,
            images=len(split),
            epochs_done=epochs_done,
            created=provenance.now(),
            weights=native.weights_hash(weights),
            versions=provenance.versions(),
            hardware=provenance.hardware(str(run.device)),
        )
        with files.undisturbed():  # Ctrl-C waits: the three files belong together
            files.write_text(self.folder / "log.jsonl", "".join(line + "\n" for line in log))
            files.write_text(self.folder / "card.json", card.model_dump_json(indent=1) + "\n")
            native.save(self.folder / native.FILE, card, weights)
            self.saved = epochs_done

    def _kept(self) -> str:
        if self.saved:
            epochs = f"epoch {self.saved} of {self.recipe.epochs}"
            return f"; {self.folder} keeps the checkpoint of {epochs}. {self.remedy}"
        older = " (the older run is as it was)" if (self.folder / native.FILE).exists() else ""
        return f" before the first epoch ended; nothing was kept{older}. Run the same command to start again."
