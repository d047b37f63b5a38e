"""Resuming a stopped pretraining run, or extending a finished one, by its name alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loocbench import ranks
from loocbench.cache import layout
from loocbench.checkpoints import card_file, initial_weights, kept_epochs, locate
from loocbench.data.opening import keep_digests, open_dataset
from loocbench.devices import resolve_device
from loocbench.errors import UserError, unknown
from loocbench.jobs.estimating import Estimate, estimate_pretraining
from loocbench.jobs.run_differences import require_same
from loocbench.plugins import in_use
from loocbench.pretraining import extensions, schedule
from loocbench.progress import Reporter, Silent
from loocbench.runs.folder import RunFolder
from loocbench.runs.run_options import read_options
from loocbench.runs.settings import DataSource, RunSettings
from loocbench.runs.stylised import open_stylised
from loocbench.runs.train import train_recipe
from loocbench.types import Recipe
from loocbench.wording import count_of

_REPLACEABLE = ("data_dir", "skip_damaged", "stylised", "hold", "save_minutes", "keep", "knn_every", "tensorboard")


def resume_run(
    name: str,
    *,
    runs: Path,
    given: Mapping[str, Any],
    extend: int = 0,
    cache: Path | None = None,
    device: str = "auto",
    tell_minutes: Callable[[str, Estimate], None] | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Resume the run ``name`` with the options that it was begun with, and return its checkpoint's path.

    given: options that the user stated again: ``recipe`` (a card), ``init`` (a checkpoint), ``dataset`` and
    ``compiled``, and the recipe's fields, which must be the run's; and those of :class:`RunOptions` that change no
    weights, which replace the run's (epochs to keep are added to them). extend: further epochs for a finished run.
    tell_minutes: called with the name and how long what is left would take, instead of training. Raises UserError for
    a run that is not there, an option that differs, and an extension of a run that is not finished or whose final
    state is gone.
    """
    folder = RunFolder(runs / name)
    where = cache or layout.cache_dir()
    with ranks.from_torchrun(resolve_device(device)) as (processes, on):
        shown = reporter if reporter and processes.first else Silent()
        with ranks.shared_errors():
            if not folder.has_run():
                every = [path.name for path in sorted(runs.glob("*")) if RunFolder(path).has_run()]
                raise unknown("run", name, every, listed_by="loocbench runs ls")
            options = read_options(folder.path)
            if missing := in_use.find_missing(options.plugins):
                named = ", ".join(f"{one} ({origin})" for one, origin in missing.items())
                raise UserError(f"run {name} was begun with the plug-ins {named}; {in_use.advise(missing)}.")
            if "init" in given:
                begun = locate.load(str(given["init"]), runs=runs, seed=options.recipe.seed)
                given = {**given, "init": initial_weights.describe_origin(begun.card)}
            require_same(name, options, given)
            replacing = {field: given[field] for field in _REPLACEABLE if field in given}
            kept = tuple(sorted({*options.keep_epochs, *given.get("keep_epochs", ())}))
            options = options.model_copy(update={**replacing, "keep_epochs": kept})
            recipe = _extend(folder, options.recipe, extend) if extend else options.recipe
            kept_epochs.require_epochs(options.keep_epochs, recipe.epochs)
            if extend:
                shown.info(describe_extension(name, recipe))
            if tell_minutes:
                if processes.first:
                    tell_minutes(name, _estimate_rest(folder, recipe, runs))
                return folder.checkpoint
            recorded = Path(options.data_dir)  # of another machine, perhaps: then the configured one is looked at
            data_dir = recorded if options.data_dir and recorded.is_dir() else None
            copies_in = Path(options.stylised) if options.stylised else None
            images = open_dataset(
                options.dataset,
                data_dir,
                skip_damaged=options.skip_damaged,
                cache=where,
                reporter=shown,
                limit=options.limit,
            )
            copies = open_stylised(recipe, images, copies_in)
            copies = copies and keep_digests(copies, where, shown)
        checkpoint = train_recipe(
            recipe,
            images,
            name=name,
            runs=runs,
            cache=where,
            device=on,
            reporter=shown,
            existing="resume",
            settings=RunSettings(
                options.hold,
                options.save_minutes,
                options.keep,
                options.keep_epochs,
                options.knn_every,
                copies,
                options.compiled,
                options.tensorboard,
                how_to_resume(name, runs),
                DataSource(options.dataset, options.data_dir, options.skip_damaged, options.stylised, options.limit),
            ),
            ranks=processes,
        )
        shown.info(f"checkpoint: {checkpoint}")
        return checkpoint


def how_to_resume(name: str, runs: Path) -> str:
    """Return the advice of a run that was stopped."""
    elsewhere = "" if runs == Path("runs") else f" --runs {runs}"
    plugins = "".join(f" --plugin {path}" for path in map(_shorten, in_use.list_files()))
    return f"Go on with: loocbench pretrain --resume {name}{elsewhere}{plugins}"


def _shorten(path: Path) -> Path:
    """The path from the current folder where it is below that."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def describe_extension(name: str, recipe: Recipe) -> str:
    """Return in words which learning rates an extension has: "... epochs 16 to 25 ... from 0.0104 on ..."."""
    ended = recipe.extended[-1]
    rates = [schedule.learning_rate(recipe, epoch) for epoch in (ended, recipe.epochs - 1)]
    before = schedule.learning_rate(recipe, ended - 1)
    planned = f"those of a cosine over {recipe.epochs} epochs" if recipe.schedule == "cosine" else "its steps go on"
    return (
        f"extending {name}: epochs {ended + 1} to {recipe.epochs}, learning rate {rates[0]:.3g} to {rates[1]:.3g} "
        f"({planned}; {before:.3g} at the end before)"
    )


def _extend(folder: RunFolder, recipe: Recipe, epochs: int) -> Recipe:
    """Return the extended recipe. Raises UserError unless the run is finished and its final state is there."""
    name = folder.path.name
    done = card_file.read_card(folder.checkpoint).epochs_done if folder.checkpoint.exists() else 0
    if done < recipe.epochs or folder.states():
        raise UserError(
            f"run {name} has {done} of {recipe.epochs} epochs; finish it with --resume {name} before you extend it."
        )
    if not folder.final_state.exists():
        raise UserError(
            f"run {name} has no {folder.final_state.name}, the state that an extension goes on from (older versions "
            f"kept none); pretrain it anew with --epochs {recipe.epochs + epochs} and another --name."
        )
    return extensions.extend(recipe, epochs)


def _estimate_rest(folder: RunFolder, recipe: Recipe, runs: Path) -> Estimate:
    """Return how long the epochs take that a run has not done."""
    card = card_file.read_card(folder.checkpoint)
    whole = estimate_pretraining(recipe, card.images, runs)
    left = recipe.epochs - card.epochs_done
    if whole.minutes is None:
        return whole
    return Estimate(whole.minutes * left / recipe.epochs, f"{count_of(left, 'epoch')} at the {whole.basis}")
