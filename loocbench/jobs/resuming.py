"""Resuming a stopped pretraining run, or extending a finished one, by its name alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loocbench import ranks
from loocbench.cache import layout
from loocbench.cards import recipes as recipe_cards
from loocbench.checkpoints import initial_weights, locate, native
from loocbench.data.opening import keep_digests, open_dataset
from loocbench.devices import resolve_device
from loocbench.errors import UserError, unknown
from loocbench.plugins import in_use
from loocbench.pretraining import recipes, schedule
from loocbench.progress import Reporter, Silent
from loocbench.runs.folder import RunFolder
from loocbench.runs.run_options import RunOptions, read_options
from loocbench.runs.settings import DataSource, RunSettings
from loocbench.runs.stylised import open_stylised
from loocbench.runs.train import train_recipe
from loocbench.types import Recipe

# Options of ``loocbench pretrain`` by the recipe's field that they set, where the names differ.
_FLAGS = {"augmentations": "--augment", "left_out": "--leave-out", "shared": "--same", "milestones": "--milestone"}
_REPLACEABLE = ("data_dir", "skip_damaged", "stylised", "hold", "save_minutes", "keep", "knn_every", "tensorboard")
_UNORDERED = ("augmentations", "left_out", "shared")


def resume_run(
    name: str,
    *,
    runs: Path,
    given: Mapping[str, Any],
    extend: int = 0,
    cache: Path | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
) -> Path:
    """Resume the run ``name`` with the options that it was begun with, and return its checkpoint's path.

    given: options that the user stated again: ``recipe`` (a card), ``init`` (a checkpoint), ``dataset`` and
    ``compiled``, and the recipe's fields, which must be the run's; and those of :class:`RunOptions` that change no
    weights, which replace the run's. extend: further epochs for a finished run. Raises UserError for a run that is not
    there, an option that differs, and an extension of a run that is not finished or whose final state is gone.
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
            options = options.model_copy(update={field: given[field] for field in _REPLACEABLE if field in given})
            recipe = _extend(folder, options.recipe, extend) if extend else options.recipe
            if extend:
                shown.info(describe_extension(name, recipe))
            recorded = Path(options.data_dir)  # of another machine, perhaps: then the configured one is looked at
            data_dir = recorded if options.data_dir and recorded.is_dir() else None
            copies_in = Path(options.stylised) if options.stylised else None
            images = open_dataset(
                options.dataset, data_dir, skip_damaged=options.skip_damaged, cache=where, reporter=shown
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
                options.knn_every,
                copies,
                options.compiled,
                options.tensorboard,
                how_to_resume(name, runs),
                DataSource(options.dataset, options.data_dir, options.skip_damaged, options.stylised),
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


def require_same(name: str, options: RunOptions, given: Mapping[str, Any]) -> None:
    """Raise UserError, naming each, where options that were given again are not those of the run."""
    differing = [
        f"{_format_option(field, ours)} (now {_format_value(field, theirs)})"
        for field, ours, theirs in _find_differences(options, given)
    ]
    if differing:
        raise UserError(
            f"run {name} was begun with {', '.join(differing)}; leave out what differs, or begin another run with "
            "another --name."
        )


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
    done = native.read_card(folder.checkpoint).epochs_done if folder.checkpoint.exists() else 0
    if done < recipe.epochs or folder.states():
        raise UserError(
            f"run {name} has {done} of {recipe.epochs} epochs; finish it with --resume {name} before you extend it."
        )
    if not folder.final_state.exists():
        raise UserError(
            f"run {name} has no {folder.final_state.name}, the state that an extension goes on from (older versions "
            f"kept none); pretrain it anew with --epochs {recipe.epochs + epochs} and another --name."
        )
    return recipes.extend(recipe, epochs)


def _find_differences(options: RunOptions, given: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(option, the run's value, the given one) of each that differs."""
    found: list[tuple[str, Any, Any]] = []
    given = {field: value for field, value in given.items() if value != "auto"}  # a precision that the run has resolved
    if (dataset := given.get("dataset")) is not None and dataset not in _names_of(options.dataset):
        found.append(("dataset", options.dataset, dataset))
    if given.get("compiled", options.compiled) != options.compiled:
        found.append(("compiled", options.compiled, given["compiled"]))
    stated = {field: given[field] for field in Recipe.model_fields if field in given}
    own = {**options.recipe.model_dump(), "init": options.recipe.init}
    if card := given.get("recipe"):
        settings = recipe_cards.load_recipe(card).settings
        if any(not _is_same(field, own[field], value) for field, value in settings.items() if field not in stated):
            found.append(("recipe", "other settings", card))
    found += [(field, own[field], value) for field, value in stated.items() if not _is_same(field, own[field], value)]
    return found


def _names_of(dataset: str) -> tuple[str, ...]:
    """The names by which a data set of a run may be named again."""
    source = DataSource.from_options(dataset, None, skip_damaged=False, stylised=None)
    folder = source.dataset.partition(":")[2]
    return dataset, source.dataset, f"folder:{Path(folder).name}" if folder else dataset


def _is_same(field: str, ours: Any, theirs: Any) -> bool:
    if field in _UNORDERED:
        return set(ours) == set(theirs)
    if field == "init":
        return ours is not None and bool(ours.weights == theirs.weights)
    return bool(tuple(ours) == tuple(theirs) if isinstance(ours, list | tuple) else ours == theirs)


def _format_option(field: str, value: Any) -> str:
    if value is None:
        return f"no --{field}"
    if field in ("keep_last", "compiled"):
        names = ("--keep-last", "--drop-last") if field == "keep_last" else ("--compile", "no --compile")
        return names[0] if value else names[1]
    return f"{_FLAGS.get(field, '--' + field.replace('_', '-'))} {_format_value(field, value)}"


def _format_value(field: str, value: Any) -> str:
    if field in ("keep_last", "compiled"):
        return _format_option(field, value)
    return " ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
