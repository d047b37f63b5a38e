"""Whether options that are given again are those that a run was begun with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loocbench.cards import recipes as recipe_cards
from loocbench.errors import UserError
from loocbench.runs.run_options import RunOptions
from loocbench.runs.settings import DataSource
from loocbench.types import Recipe

# Options of ``loocbench pretrain`` by the recipe's field that they set, where the names differ.
_FLAGS = {"augmentations": "--augment", "left_out": "--leave-out", "shared": "--same", "milestones": "--milestone"}
_UNORDERED = ("augmentations", "left_out", "shared")


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


def _find_differences(options: RunOptions, given: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(option, the run's value, the given one) of each that differs."""
    found: list[tuple[str, Any, Any]] = []
    given = {field: value for field, value in given.items() if value != "auto"}  # a precision that the run has resolved
    if (dataset := given.get("dataset")) is not None and dataset not in _names_of(options.dataset):
        found.append(("dataset", options.dataset, dataset))
    if given.get("compiled", options.compiled) != options.compiled:
        found.append(("compiled", options.compiled, given["compiled"]))
    if given.get("limit", options.limit) != options.limit:
        found.append(("limit", options.limit or None, given["limit"]))
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
