"""Pretraining runs below a folder, and their states."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loocbench.checkpoints import card_file, kept_epochs
from loocbench.errors import UserError, unknown
from loocbench.pretraining import learning_warnings
from loocbench.pretraining.labels import model_label
from loocbench.report.figures import training_curves
from loocbench.runs.folder import STATES, RunFolder
from loocbench.runs.run_options import read_options
from loocbench.types import CheckpointCard


@dataclass(frozen=True)
class RunStatus:
    """A run: its card, the entries of its log, whether it can be resumed, and whether a process is writing it now.

    planned: epochs that it is to have, which are more than its card says once an extension has begun.
    """

    folder: RunFolder
    card: CheckpointCard
    log: list[dict[str, Any]]
    resumable: bool
    running: bool
    planned: int = 0

    @property
    def state(self) -> str:
        """running, finished, stopped (can be resumed), cut short (no saved state is left), or imported."""
        if self.card.recipe is None:
            return "imported"
        if self.running:
            return "running"
        if self.card.epochs_done == self.planned:
            return "finished"
        return "stopped" if self.resumable else "cut short"

    @property
    def epochs(self) -> str:
        """Epochs done and planned, "3/10"; "–" for an imported checkpoint."""
        return f"{self.card.epochs_done}/{self.planned}" if self.card.recipe else "–"

    @property
    def kept(self) -> list[str]:
        """Names of the checkpoints of single epochs."""
        return kept_epochs.list_names(self.folder.path)

    def list_checkpoints(self) -> list[CheckpointCard]:
        """The cards of the last checkpoint and of the kept ones, by epoch; those that cannot be read are left out."""
        folder = self.folder.path
        found = [self.card] if self.folder.checkpoint.exists() else []
        for epoch in kept_epochs.list_epochs(folder):
            with suppress(UserError):
                card = card_file.read_card(kept_epochs.file_of(folder, epoch))
                found.append(card.model_copy(update={"name": kept_epochs.name_of(folder.name, epoch)}))
        return found

    @property
    def last(self) -> dict[str, Any]:
        """The last epoch's entry; empty before the first."""
        return self.log[-1] if self.log else {}

    @property
    def knn(self) -> float | None:
        """The latest kNN accuracy on held-out images, if any."""
        return next((entry["knn"] for entry in reversed(self.log) if "knn" in entry), None)

    @property
    def warnings(self) -> list[str]:
        """A line for each kind of warning of the last epoch, with what to try."""
        if not self.card.recipe or not self.log:
            return []
        found = learning_warnings.find_warnings(self.card.recipe, self.last)
        return learning_warnings.describe_warnings(self.card.recipe, self.last["epoch"], found)


def find_runs(runs: Path) -> list[RunStatus]:
    """Return every run below ``runs`` with a checkpoint or a saved state and a readable card, sorted by name."""
    found = []
    for path in sorted({file.parent for pattern in (card_file.FILE, STATES) for file in runs.glob(f"*/{pattern}")}):
        folder = RunFolder(path)
        try:
            card = folder.read_card()
        except UserError:
            continue
        states = bool(folder.states())
        planned = card.recipe.epochs if card.recipe else 0
        if states:
            with suppress(UserError):
                planned = read_options(path).recipe.epochs
        found.append(RunStatus(folder, card, folder.read_log(), states, folder.locked(), planned))
    return found


def find_run(runs: Path, name: str) -> RunStatus:
    """Return the run of this name. Raises UserError with the names that exist."""
    every = {run.card.name: run for run in find_runs(runs)}
    if name not in every:
        raise unknown("run", name, every, listed_by="loocbench runs ls")
    return every[name]


def draw_run(run: RunStatus, path: Path) -> Path:
    """Draw the run's curves to ``path``, and return it. Raises UserError if no epoch has ended."""
    if run.card.recipe is None:
        raise UserError(f"{run.card.name} was imported, not trained here: it has no curves.")
    if not run.log:
        raise UserError(f"{run.folder.path} has no finished epoch to draw; train it first.")
    title = f"{run.card.name}: {model_label(run.card)} on {run.card.dataset}"
    training_curves.draw_training_curves(run.log, title, path)
    return path
