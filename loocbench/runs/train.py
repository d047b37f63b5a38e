"""From a recipe and a data set to a finished run in its folder, whatever was there before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from filelock import Timeout
from torch import Tensor

from loocbench import cpp_compiler, files
from loocbench.checkpoints import card_file
from loocbench.editions import is_same_edition
from loocbench.errors import SharedError, StoppedError, UserError
from loocbench.progress import Reporter
from loocbench.ranks import Ranks
from loocbench.runs import states
from loocbench.runs.settings import RunSettings
from loocbench.runs.trainer import SPLIT, Trainer
from loocbench.runs.writing import RunWriter
from loocbench.types import Dataset, Recipe
from loocbench.wording import count_of

Existing = Literal["refuse", "overwrite", "resume", "resume-or-overwrite"]
Plan = Literal["begin", "resume", "finished"]


def train_recipe(
    recipe: Recipe,
    dataset: Dataset,
    *,
    name: str,
    runs: Path,
    cache: Path,
    device: str,
    reporter: Reporter,
    existing: Existing = "refuse",
    settings: RunSettings | None = None,
    ranks: Ranks | None = None,
    initial_weights: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train a recipe on a data set's training images, and leave ``runs/name/`` (see ``runs.folder``).

    existing: what to do where the run is there already; refuse it, start again, resume it, or resume it if it is this
    very run and start again otherwise. ranks: the processes that train together, if there are several; all see the same
    ``runs`` and ``cache``. initial_weights: tensors of the network that a run begins with whose recipe says that it
    begins from a checkpoint (``checkpoints.initial_weights``). Returns the checkpoint's path.

    Checkpoint and state are replaced, whole, after every epoch, and the state every few minutes in between. Raises
    UserError when the run exists and ``existing`` refuses it, when another process writes it, when the data set has no
    training images, and when SIGINT or SIGTERM asked to stop, saying what was kept.
    """
    if SPLIT not in dataset.splits:
        raise UserError(f"{dataset.name} is a test set without training images; pretrain on another --dataset.")
    settings, ranks = settings or RunSettings(), ranks or Ranks()
    if recipe.groups % ranks.world:
        raise SharedError(f"{ranks.world} processes need --groups to be a multiple of {ranks.world}.")
    if settings.compiled:
        cpp_compiler.require_compiler()
    folder = RunWriter(runs / name, settings.keep)
    trainer = Trainer(recipe, dataset, name, folder, settings, reporter, ranks, initial_weights)
    with ExitStack() as lock:
        plan = ranks.broadcast_from_main(lambda: _plan(trainer, existing, lock))
        if plan == "finished":
            reporter.info(f"{folder.path} is finished: {recipe.epochs} of {count_of(recipe.epochs, 'epoch')}")
            trainer.keep_last_epoch(recipe.epochs)
            return folder.checkpoint
        if not ranks.first:
            trainer.run(cache, device, resume=plan == "resume")
            return folder.checkpoint
        folder.replaces = plan == "begin" and folder.has_run()
        return _train(trainer, cache, device, resume=plan == "resume")


def _train(trainer: Trainer, cache: Path, device: str, *, resume: bool) -> Path:
    folder = trainer.folder
    files.require_writable(folder.path)
    try:
        trainer.run(cache, device, resume=resume)
    except KeyboardInterrupt as error:
        if folder.newest_state() and not folder.replaces:
            raise StoppedError(
                f"interrupted; {folder.path} keeps its last state. {trainer.settings.resume_hint}"
            ) from error
        kept = "the older run is as it was" if folder.has_run() else "nothing was kept"
        raise StoppedError(f"interrupted before the first epoch ended; {kept}. Run the same command again.") from error
    finally:
        if not any(folder.path.iterdir()):
            folder.path.rmdir()
    folder.finish()
    return folder.checkpoint


def _plan(trainer: Trainer, existing: Existing, lock: ExitStack) -> Plan:
    """Lock the run's folder, and say what is to be done in it. Raises UserError where nothing can."""
    folder = trainer.folder
    files.require_writable(folder.path.parent)
    try:
        lock.enter_context(folder.lock)
    except Timeout as error:
        raise UserError(f"another process is writing {folder.path}; wait for it, or choose another --name.") from error
    folder.drop_parts()
    if existing == "refuse" and folder.has_run():
        raise UserError(
            f"run {folder.path} exists; resume it with --resume, replace it with --overwrite, or choose another --name."
        )
    if existing in ("refuse", "overwrite"):
        return "begin"
    if _finished(trainer):
        return "finished"
    state = folder.newest_state()
    if existing == "resume":
        if state is None and trainer.recipe.extended and folder.final_state.exists():
            return "resume"
        if state is None and folder.has_run():
            raise UserError(f"{folder.path} has no saved state to resume from; start again with --overwrite.")
        return "begin" if state is None else "resume"
    return "resume" if state and states.is_same_identity(states.read_identity(state), trainer.identity) else "begin"


def _finished(trainer: Trainer) -> bool:
    """Whether this very run, of this recipe and these images, has reached its last epoch."""
    try:
        card = card_file.read_card(trainer.folder.checkpoint)
    except UserError:
        return False
    identity = trainer.identity
    same = (
        (card.recipe, card.fingerprint) == (trainer.recipe, identity["images"])
        and is_same_edition(card.edition, identity["edition"])
        and is_same_edition(card.stylised_edition, identity["stylised"])
    )
    return same and card.epochs_done == trainer.recipe.epochs and not trainer.folder.states()
