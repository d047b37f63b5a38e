"""One run in progress: decode, train, look, save, stop, go on."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from loocbench import files, provenance
from loocbench.checkpoints import native
from loocbench.data import preparing
from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.errors import UserError
from loocbench.jobs import stopping
from loocbench.jobs.run_folder import RunFolder
from loocbench.pretraining import memory, recipes, resuming
from loocbench.pretraining.knn import Looker, Side
from loocbench.pretraining.loop import NotFiniteError, Progress, Run
from loocbench.types import Card, Dataset, Recipe, Split
from loocbench.watching import Watcher

SPLIT = "train"
Hold = Literal["disk", "memory", "device"]  # where the decoded images stay while the network trains
_HOLD: dict[Hold, Callable[[PreparedImages, torch.device], PreparedImages | DeviceImages]] = {
    "disk": lambda images, on: images,
    "memory": lambda images, on: images.in_memory(),
    "device": lambda images, on: images.on_device(on),
}


@dataclass(frozen=True)
class Upkeep:
    """How a run is kept and watched. save_minutes: the longest time between two states. look_every: epochs between two
    looks at held-out images; 0 for none. stylised: the data set's copy in other textures, if the recipe uses one."""

    hold: Hold = "disk"
    save_minutes: float = 10.0
    keep: int = 2
    look_every: int = 10
    stylised: Dataset | None = None


@dataclass
class Training:
    """A run that is being trained in its folder. log: one entry an epoch; best: the best look so far."""

    recipe: Recipe
    dataset: Dataset
    name: str
    folder: RunFolder
    upkeep: Upkeep
    watcher: Watcher
    log: list[dict[str, Any]] = field(default_factory=list)
    best: float = -1.0

    @property
    def identity(self) -> dict[str, Any]:
        """What has to be equal to go on: the recipe and the images."""
        split = self.dataset.splits[SPLIT]
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "images": split.fingerprint,
            "edition": self.dataset.edition(),
        }

    def run(self, cache: Path, device: str, *, resume: bool) -> None:
        """Train to the end. Raises UserError when it was asked to stop, with what is kept."""
        on = torch.device(device)
        run = self._start(cache, on)
        if resume and (state := self.folder.newest_state()):
            resuming.load(state, run, self.identity)
            self.log = [line for line in self.folder.read_log() if line["epoch"] <= run.position.epoch]
            self.best = max((line["knn"] for line in self.log if "knn" in line), default=-1.0)
            self.watcher.say(f"going on at epoch {run.position.epoch + 1}, step {run.position.step + 1}")
        look = self._look(cache, on)
        try:
            with stopping.on_signals() as stop:
                self._train(run, look, stop)
        except NotFiniteError as error:
            raise self._not_finite(error) from error
        except torch.OutOfMemoryError as error:
            del run
            raise self._out_of_memory(on) from error

    def _train(self, run: Run, look: Looker | None, stop: stopping.Stop) -> None:
        if self.recipe.epochs == 0:
            self.folder.save_checkpoint(self._card(run), run.network.state_dict(), self.log)
        saved = time.monotonic()
        for progress in run.steps():
            self._show(run, progress)
            if progress.ends_epoch:
                self._end_epoch(run, progress, look)
                saved = time.monotonic()
            elif time.monotonic() - saved > 60 * self.upkeep.save_minutes:
                self.folder.save_state(run, self.identity)
                saved = time.monotonic()
            if stop.signal and run.position.epoch < self.recipe.epochs:
                self.folder.save_state(run, self.identity)
                raise UserError(
                    f"stopped by {stop.signal} at epoch {progress.epoch} of {self.recipe.epochs}, step "
                    f"{progress.step}; {self.folder.path} keeps all of it. Run the same command with --resume to go on."
                )

    def _end_epoch(self, run: Run, progress: Progress, look: Looker | None) -> None:
        line = {**asdict(progress), "loss": progress.loss, **run.training.health(), "time": provenance.now()}
        last = progress.epoch == self.recipe.epochs
        if look and (progress.epoch % self.upkeep.look_every == 0 or last):
            line["knn"] = look.accuracy(run.network)
        self.log.append(line)
        card, weights = self._card(run), run.network.state_dict()
        if line.get("knn", -1.0) > self.best:
            self.best = line["knn"]
            self.folder.save_best(card, weights)
        self.folder.save_checkpoint(card, weights, self.log)
        self.folder.save_state(run, self.identity)

    def _show(self, run: Run, progress: Progress) -> None:
        losses = " ".join(f"{space} {loss:.2f}" for space, loss in progress.losses.items())
        seen = f", kNN {self.log[-1]['knn']:.1%}" if self.log and "knn" in self.log[-1] else ""
        detail = (
            f"epoch {progress.epoch}/{self.recipe.epochs}, loss {progress.loss:.3f} ({losses}), "
            f"{progress.images_per_second:.0f} images/s{seen}"
        )
        self.watcher.advance(self.name, run.steps_done, self.recipe.epochs * run.steps_per_epoch, detail)

    def _start(self, cache: Path, on: torch.device) -> Run:
        split = self.dataset.splits[SPLIT]
        hold = _HOLD[self.upkeep.hold]
        images = hold(self._prepared(self.dataset, split, cache), on)
        stylised = None
        if self.upkeep.stylised is not None:
            copies = self._prepared(self.upkeep.stylised, self.upkeep.stylised.splits[SPLIT], cache)
            _require_pairs(self._prepared(self.dataset, split, cache), copies, split)
            stylised = hold(copies, on)
        supervised = self.recipe.method == "supervised"
        labels = next(iter(split.labels.values())) if supervised else None
        return Run(self.recipe, images, on, labels=labels, stylised=stylised)

    def _prepared(self, dataset: Dataset, split: Split, cache: Path) -> PreparedImages:
        size = recipes.preprocessing(self.recipe.image_size)
        return preparing.prepare(dataset, split, size.resize, cache=cache, watcher=self.watcher)

    def _look(self, cache: Path, on: torch.device) -> Looker | None:
        """Who looks at held-out images now and then; nobody where that is not wanted, or nothing is held out."""
        if not self.upkeep.look_every or "val" not in self.dataset.splits:
            return None
        known, asked = (self.dataset.splits[name] for name in (SPLIT, "val"))
        size = recipes.preprocessing(self.recipe.image_size)
        prepare = partial(self._prepared, self.dataset, cache=cache)
        return Looker(Side.of(prepare(known), known, on), Side.of(prepare(asked), asked, on), size)

    def _card(self, run: Run) -> Card:
        split = self.dataset.splits[SPLIT]
        return Card(
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
            epochs_done=run.position.epoch,
            created=provenance.now(),
            weights=native.weights_hash(run.network.state_dict()),
            versions=provenance.versions(),
            hardware=provenance.hardware(str(run.device)),
        )

    def _not_finite(self, error: NotFiniteError) -> UserError:
        names = [self.dataset.splits[SPLIT].items[row] for row in error.indices]
        path = self.folder.path / "not-finite.json"
        files.write_text(path, json.dumps({"epoch": error.epoch, "step": error.step, "images": names}, indent=1) + "\n")
        state = self.folder.newest_state()
        good = self.folder.checkpoint if self.folder.checkpoint.exists() else state
        kept = f"the last good checkpoint is {good}" if good else "no epoch had ended"
        return UserError(
            f"{error} (images {', '.join(names[:3])} … in {path}); {kept}. Lower --learning-rate "
            f"(now {self.recipe.learning_rate:g}) and start again with --overwrite."
        )

    def _out_of_memory(self, on: torch.device) -> UserError:
        gc.collect()
        if on.type == "cuda":
            torch.cuda.empty_cache()
        fits = memory.fitting_batch(self.recipe, on)
        advice = f"--batch-size {fits} fits" if fits else "not even --batch-size 2 fits; choose a smaller --backbone"
        return UserError(f"batches of {self.recipe.batch_size} do not fit into the memory of {on}; {advice}.")


def _require_pairs(images: PreparedImages, copies: PreparedImages, split: Split) -> None:
    """Raise UserError unless each stylised copy has its image's size."""
    rows = np.arange(len(images))
    if len(copies) != len(images):
        raise UserError(f"there are {len(copies):,} stylised copies of {len(images):,} images; make one of each.")
    unequal = np.flatnonzero((images.sizes(rows) != copies.sizes(rows)).any(axis=1))
    if len(unequal):
        raise UserError(f"the stylised copy of {split.items[unequal[0]]} has other proportions; make it of equal size.")
