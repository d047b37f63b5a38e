"""Pretrain one model: from a recipe and a data set to ``runs/<name>/``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from loocbench import files
from loocbench.checkpoints import native
from loocbench.errors import UserError
from loocbench.jobs.run_folder import RunFolder
from loocbench.jobs.training import SPLIT, Training
from loocbench.jobs.upkeep import Upkeep
from loocbench.pretraining import resuming
from loocbench.pretraining.ranks import Ranks
from loocbench.types import Dataset, Recipe
from loocbench.watching import Watcher

# What to do with a run that is there: refuse it, start again, go on, or go on if it is this very run, else start again.
Existing = Literal["refuse", "overwrite", "resume", "resume-or-overwrite"]

Plan = Literal["begin", "resume", "finished"]


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
    ranks: Ranks | None = None,
) -> Path:
    """Train and leave ``runs/name/`` (see ``run_folder``). Returns the checkpoint.

    ranks: the processes that train together, if several; all see the same ``runs`` and ``cache``.

    Checkpoint and state are replaced, whole, after every epoch, and the state every few minutes in between. Raises
    UserError when the run exists and ``existing`` refuses it, when another process writes it, when the data set has no
    training images, and when SIGINT or SIGTERM asked to stop, saying what was kept.
    """
    if SPLIT not in dataset.splits:
        raise UserError(f"{dataset.name} is a test set without training images; pretrain on another --dataset.")
    upkeep, ranks = upkeep or Upkeep(), ranks or Ranks()
    if recipe.groups % ranks.world:
        raise UserError(f"{ranks.world} processes need --groups to be a multiple of {ranks.world}.")
    folder = RunFolder(runs / name, upkeep.keep)
    if not ranks.first:
        plan: Plan = ranks.agree("begin")
        if plan != "finished":
            training = Training(recipe, dataset, name, folder, upkeep, watcher, ranks)
            training.run(cache, device, resume=plan == "resume")
        return folder.checkpoint
    files.require_writable(runs)
    try:
        with FileLock(runs / f".{name}.lock", timeout=0):
            if folder.begun() and existing == "refuse":
                raise UserError(
                    f"run {folder.path} exists; go on with --resume, --overwrite it, or choose another --name."
                )
            training = Training(recipe, dataset, name, folder, upkeep, watcher, ranks)
            plan = ranks.agree(_plan(training, existing))
            if plan == "finished":
                watcher.say(f"{folder.path} is finished: {recipe.epochs} of {recipe.epochs} epochs")
                return folder.checkpoint
            if plan == "begin":
                folder.drop_states()
            return _train(training, cache, device, resume=plan == "resume")
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


def _plan(training: Training, existing: Existing) -> Plan:
    """What there is to do. Raises UserError where a run is to be resumed that has no state."""
    folder = training.folder
    if existing in ("refuse", "overwrite"):
        return "begin"
    if _finished(folder, training.recipe):
        return "finished"
    state = folder.newest_state()
    if existing == "resume":
        if state is None and folder.begun():
            raise UserError(f"{folder.path} has no state to go on from; start again with --overwrite.")
        return "begin" if state is None else "resume"
    return "resume" if state and resuming.identity(state) == training.identity else "begin"


def _finished(folder: RunFolder, recipe: Recipe) -> bool:
    """Whether the run of this recipe has reached its last epoch."""
    try:
        card = native.read_card(folder.checkpoint)
    except UserError:
        return False
    return card.recipe == recipe and card.epochs_done == recipe.epochs
