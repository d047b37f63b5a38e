"""Pretrain one model: from a recipe and a data set to ``runs/<name>/``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from loocbench import files
from loocbench.checkpoints import native
from loocbench.errors import UserError
from loocbench.jobs.run_folder import RunFolder
from loocbench.jobs.training import SPLIT, Training, Upkeep
from loocbench.pretraining import resuming
from loocbench.types import Dataset, Recipe
from loocbench.watching import Watcher

# What to do with a run that is there: refuse it, start again, go on, or go on if it is this very run, else start again.
Existing = Literal["refuse", "overwrite", "resume", "resume-or-overwrite"]


def run_name(recipe: Recipe, dataset: str) -> str:
    """The run's name when none is given: method, augmentations, data set, seed."""
    ordinary = [name for name in recipe.augmentations if name not in (*recipe.left_out, "color")]
    same = [f"same-{name}" if name in recipe.shared else name for name in ordinary]
    jitter = [] if "color" in recipe.augmentations else ["nocolor"]
    parts = [recipe.method.replace("++", "pp"), *recipe.left_out, *same, *jitter, dataset, f"s{recipe.seed}"]
    return "-".join(parts)


def pretrain(
    recipe: Recipe,
    dataset: Dataset,
    *,
    name: str,
    runs: Path,
    cache: Path,
    device: str,
    watcher: Watcher,
    existing: Existing = "refuse",
    upkeep: Upkeep | None = None,
) -> Path:
    """Train and leave ``runs/name/`` (see ``run_folder``). Returns the checkpoint.

    Checkpoint and state are replaced, whole, after every epoch, and the state every few minutes in between. Raises
    UserError when the run exists and ``existing`` refuses it, when another process writes it, when the data set has no
    training images, and when SIGINT or SIGTERM asked to stop, saying what was kept.
    """
    if SPLIT not in dataset.splits:
        raise UserError(f"{dataset.name} is a test set without training images; pretrain on another --dataset.")
    upkeep = upkeep or Upkeep()
    folder = RunFolder(runs / name, upkeep.keep)
    files.require_writable(runs)
    try:
        with FileLock(runs / f".{name}.lock", timeout=0):
            if folder.begun() and existing == "refuse":
                raise UserError(
                    f"run {folder.path} exists; go on with --resume, --overwrite it, or choose another --name."
                )
            training = Training(recipe, dataset, name, folder, upkeep, watcher)
            resume = existing in ("resume", "resume-or-overwrite") and _continues(training, existing)
            if resume and _finished(folder, recipe):
                watcher.say(f"{folder.path} is finished: {recipe.epochs} of {recipe.epochs} epochs")
                return folder.checkpoint
            if not resume:
                folder.drop_states()
            return _train(training, cache, device, resume=resume)
    except Timeout as error:
        raise UserError(f"another process is writing {folder.path}; wait for it, or choose another --name.") from error


def _train(training: Training, cache: Path, device: str, *, resume: bool) -> Path:
    folder = training.folder
    files.require_writable(folder.path)
    try:
        training.run(cache, device, resume=resume)
    except KeyboardInterrupt as error:
        if folder.newest_state():
            raise UserError(f"interrupted; {folder.path} keeps its last state. Go on with --resume.") from error
        kept = "the older run is as it was" if folder.begun() else "nothing was kept"
        raise UserError(f"interrupted before the first epoch ended; {kept}. Run the same command again.") from error
    finally:
        if not any(folder.path.iterdir()):
            folder.path.rmdir()
    folder.drop_states()  # nothing is left to go on with
    return folder.checkpoint


def _continues(training: Training, existing: Existing) -> bool:
    """Whether there is a state to go on from. Raises UserError where a run is to be resumed that has none."""
    folder = training.folder
    if _finished(folder, training.recipe):
        return True
    state = folder.newest_state()
    if existing == "resume":
        if state is None and folder.begun():
            raise UserError(f"{folder.path} has no state to go on from; start again with --overwrite.")
        return state is not None
    return state is not None and resuming.identity(state) == training.identity


def _finished(folder: RunFolder, recipe: Recipe) -> bool:
    """Whether the run of this recipe has reached its last epoch."""
    try:
        card = native.read_card(folder.checkpoint)
    except UserError:
        return False
    return card.recipe == recipe and card.epochs_done == recipe.epochs
