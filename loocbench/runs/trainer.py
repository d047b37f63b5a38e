"""A run in progress: decode images, train, measure kNN accuracy, save, stop, resume."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loocbench import heap, provenance
from loocbench.checkpoints import kept_epochs
from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages
from loocbench.errors import StoppedError, UserError
from loocbench.models.preprocessing import default_preprocessing
from loocbench.plugins import in_use
from loocbench.pretraining import extensions, learning_warnings, recipes
from loocbench.pretraining.learning_warnings import LearningWarning
from loocbench.pretraining.loop import NotFiniteError, Progress, Run
from loocbench.progress import Reporter
from loocbench.ranks import Ranks
from loocbench.runs import failures, run_options, signals, states, stylised, tensorboard
from loocbench.runs.checkpoint_card import make_card
from loocbench.runs.knn_monitor import Monitor, select_images
from loocbench.runs.progress_line import describe_progress
from loocbench.runs.settings import HOLD, DataSource, RunSettings
from loocbench.runs.signs_monitor import SignsMonitor
from loocbench.runs.tensorboard import Board
from loocbench.runs.writing import RunWriter
from loocbench.types import CheckpointCard, Dataset, Recipe, Split

SPLIT = "train"


@dataclass
class Trainer:
    """Trains a run in its folder, in one process or several, of which the first writes.

    initial_weights: tensors of the network with which the run begins, where its recipe says that it begins from a
    checkpoint; a resumed run needs none. log: one entry per epoch. best: the best kNN accuracy so far. signs: what
    measures signs of learning, in the process that writes.
    """

    recipe: Recipe
    dataset: Dataset
    name: str
    folder: RunWriter
    settings: RunSettings
    reporter: Reporter
    ranks: Ranks = field(default_factory=Ranks)
    initial_weights: Mapping[str, Tensor] | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    best: float = -1.0
    signs: SignsMonitor | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What has to be equal for a resumed run to reach the same weights."""
        split = self.dataset.splits[SPLIT]
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "images": split.fingerprint,
            "edition": self.dataset.edition(),
            "stylised": self.stylised_edition,
            "compiled": self.settings.compiled,
            **({"plug-ins": self.plugins} if self.plugins else {}),
        }

    @property
    def plugins(self) -> dict[str, str]:
        """The plug-ins that the run needs, as entries of ``versions``."""
        return in_use.find_used(datasets=[self.dataset.name], recipe=self.recipe)

    @property
    def identity_before_extension(self) -> dict[str, Any]:
        """The same of the finished run that this one extends."""
        return {**self.identity, "recipe": extensions.before_extension(self.recipe).model_dump(mode="json")}

    @property
    def stylised_edition(self) -> str:
        """The edition of the stylised copies; empty where there are none."""
        return "" if self.settings.stylised is None else self.settings.stylised.edition()

    def run(self, cache: Path, device: str, *, resume: bool) -> None:
        """Train to the last epoch. Raises UserError when the run was asked to stop, saying what is kept."""
        on = torch.device(device)
        if on.type == "cpu":
            heap.keep_freed_memory()
        try:
            self._run(cache, on, resume=resume)
            return
        except torch.OutOfMemoryError:
            pass  # the search needs the memory that the error's traceback holds
        raise failures.describe_out_of_memory(self.recipe, on, self.ranks.world)

    def _run(self, cache: Path, on: torch.device, *, resume: bool) -> None:
        run, monitor = self._start(cache, on)
        if resume and (state := self.folder.newest_state()):
            states.load(state, run, self.identity)
        elif resume:
            states.load(self.folder.final_state, run, self.identity_before_extension)
        elif self.recipe.init:
            if self.initial_weights is None:
                raise UserError(f"this recipe begins from {self.recipe.init}; name the checkpoint with --init.")
            run.begin_from(self.initial_weights)
        if resume:
            self.log = [line for line in self.folder.read_log() if line["epoch"] <= run.position.epoch]
            self.best = max((line["knn"] for line in self.log if "knn" in line), default=-1.0)
            self.reporter.info(f"resuming at epoch {run.position.epoch + 1}, step {run.position.step + 1}")
            self.keep_last_epoch(run.position.epoch)
        try:
            with signals.stop_on_signals() as stop, self._board(run) as board:
                self._train(run, monitor, stop, board)
        except NotFiniteError as error:
            split = self.dataset.splits[SPLIT]
            told = failures.describe_not_finite(error, self.folder, self.recipe, split, write=self.ranks.first)
            self.ranks.agree(None)
            raise told from error

    def keep_last_epoch(self, done: int) -> None:
        """Keep the epoch that was last done, if it is to be kept and is not yet, and say which others have passed."""
        if self.ranks.first:
            self.folder.keep_last_epoch(self.settings.keep_epochs)
            remedy = "train again under another --name to have what is missing"
            if text := kept_epochs.describe_lost(self.folder.path, self.settings.keep_epochs, done, remedy):
                self.reporter.info(text)

    def _train(self, run: Run, monitor: Monitor | None, stop: signals.Stop, board: Board | None) -> None:
        if self.recipe.epochs == 0 and self.ranks.first:
            self.folder.save_checkpoint(self._card(run), run.network.state_dict(), self.log)
        saved = time.monotonic()
        for progress in run.steps():
            if self.ranks.first:
                self._show(run, progress)
                if progress.ends_epoch:
                    self._end_epoch(run, progress, monitor)
                    saved = time.monotonic()
                    if board:
                        board.add(self.log[-1])
                elif time.monotonic() - saved > 60 * self.settings.save_minutes:
                    self._save_state(run)
                    saved = time.monotonic()
            asked = self.ranks.largest(stop.number)
            if asked and run.position.epoch < self.recipe.epochs:
                if self.ranks.first:
                    self._save_state(run)
                self.ranks.agree(None)  # torchrun ends all processes when one does: not before the state is written
                raise StoppedError(
                    f"stopped by {signal.Signals(asked).name} at epoch {progress.epoch} of {self.recipe.epochs}, step "
                    f"{progress.step}; {self.folder.path} keeps all of it. {self.settings.resume_hint}",
                    asked,
                )

    @contextmanager
    def _board(self, run: Run) -> Iterator[Board | None]:
        """TensorBoard's files, where they are wanted."""
        if not (self.settings.tensorboard and self.ranks.first):
            yield None
            return
        with tensorboard.open_board(self.folder.path / "tensorboard", run.position.epoch) as board:
            yield board

    def _end_epoch(self, run: Run, progress: Progress, monitor: Monitor | None) -> None:
        signs = self.signs.measure(run.network).to_entry() if self.signs else {}
        line = {
            **asdict(progress),
            "loss": progress.loss,
            "chance_losses": dict(zip(progress.losses, run.training.chance_losses, strict=True)),
            **run.training.diagnostics(),
            **signs,
            "time": provenance.now(),
        }
        self.log.append(line)
        warnings = learning_warnings.find_warnings(self.recipe, line)
        card, weights = self._card(run, warnings), run.network.state_dict()
        self.folder.save_checkpoint(card, weights, self.log)
        if progress.epoch in self.settings.keep_epochs:
            self.folder.save_epoch(card, weights)
        self._save_state(run)
        if monitor and (progress.epoch % self.settings.knn_every == 0 or progress.epoch == self.recipe.epochs):
            line["knn"] = monitor.accuracy(run.network)
            if line["knn"] > self.best:
                self.best = line["knn"]
                self.folder.save_best(card, weights)
            self.folder.save_log(self.log)
        if learning_warnings.is_reporting_epoch(self.recipe, progress.epoch):
            for text in learning_warnings.describe_warnings(self.recipe, progress.epoch, warnings):
                self.reporter.info(text)

    def _save_state(self, run: Run) -> None:
        """Save all that resuming needs, and a first card."""
        self.folder.save_state(run, self.identity)
        if not self.folder.checkpoint.exists():  # a card hashes all weights
            self.folder.save_first_card(self._card(run))
        source = self.settings.source or DataSource(self.dataset.name)
        options = run_options.make_options(self.recipe, source, self.settings, self.plugins)
        run_options.write_options(self.folder.path, options)

    def _show(self, run: Run, progress: Progress) -> None:
        last = self.log[-1] if self.log else {}
        detail = describe_progress(self.recipe, progress, run.training.chance_losses, last)
        self.reporter.update(self.name, run.steps_done, self.recipe.epochs * run.steps_per_epoch, detail)

    def _start(self, cache: Path, on: torch.device) -> tuple[Run, Monitor | None]:
        split = self.dataset.splits[SPLIT]
        images, copies, monitor = self.ranks.first_then_others(lambda: self._prepare(cache, on))
        hold = HOLD[self.settings.hold]
        held, held_copies = hold(images, on), None if copies is None else hold(copies, on)
        self.signs = SignsMonitor(self.recipe, held, held_copies, on) if self.ranks.first else None
        supervised = recipes.find_method(self.recipe.method).needs_labels
        run = Run(
            self.recipe,
            held,
            on,
            labels=next(iter(split.labels.values())) if supervised else None,
            stylised=held_copies,
            ranks=self.ranks,
            compiled=self.settings.compiled,
        )
        return run, monitor

    def _prepare(self, cache: Path, on: torch.device) -> tuple[PreparedImages, PreparedImages | None, Monitor | None]:
        """The training images, their stylised copies if the recipe uses them, and the first process's monitor."""
        split = self.dataset.splits[SPLIT]
        images = self._prepared(self.dataset, split, cache)
        monitor = self._monitor(cache, on) if self.ranks.first else None
        if self.settings.stylised is None:
            return images, None, monitor
        copies = self._prepared(self.settings.stylised, self.settings.stylised.splits[SPLIT], cache)
        stylised.require_pairs(images, copies, split)
        return images, copies, monitor

    def _prepared(self, dataset: Dataset, split: Split, cache: Path) -> PreparedImages:
        size = default_preprocessing(self.recipe.image_size)
        return preparing.prepare(dataset, split, size.resize, cache=cache, reporter=self.reporter)

    def _monitor(self, cache: Path, on: torch.device) -> Monitor | None:
        """The monitor of kNN accuracy; None where it is not wanted, or no images are held out."""
        if not self.settings.knn_every or "val" not in self.dataset.splits:
            return None
        known, held_out = (self.dataset.splits[name] for name in (SPLIT, "val"))
        size = default_preprocessing(self.recipe.image_size)
        prepare = partial(self._prepared, self.dataset, cache=cache)
        return Monitor(select_images(prepare(known), known, on), select_images(prepare(held_out), held_out, on), size)

    def _card(self, run: Run, warnings: Sequence[LearningWarning] = ()) -> CheckpointCard:
        return make_card(
            run,
            self.dataset,
            name=self.name,
            split=SPLIT,
            stylised_edition=self.stylised_edition,
            warnings=warnings,
            processes=self.ranks.world,
        )
