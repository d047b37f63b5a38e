"""Recipes: from settings to a checked recipe, and what follows from it.

Importing this imports no torch: the command line reads the defaults for its help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from loocbench.errors import UserError, unknown
from loocbench.pretraining.methods import METHODS, trainable_names
from loocbench.pretraining.methods.method import Method
from loocbench.types import UNTRAINED, Recipe
from loocbench.views.augmentations import names_with_space, optional_names, usual_names, variant_names
from loocbench.views.leave_one_out import Sources

DATASET = "blooms"  # where neither the user nor a recipe card names one
SCHEDULES = ("step", "cosine")
SETTINGS = tuple(name for name in Recipe.model_fields if name != "init")  # what users and recipe cards may state
# A small budget for a CPU, found on blooms (docs/search.md); a recipe card replaces all of it.
DEFAULTS: Mapping[str, Any] = {
    "method": "looc",
    "backbone": "resnet8",
    "image_size": 24,
    "epochs": 15,
    "batch_size": 32,
    "learning_rate": 0.03,
    "schedule": "cosine",
    "weight_decay": 5e-4,
    "queue_size": 64,
    "key_momentum": 0.99,
    "temperature": 0.2,
}


def make(
    method: str,
    *,
    augmentations: Sequence[str] | None = None,
    left_out: Sequence[str] | None = None,
    shared: Sequence[str] = (),
    texture: str = "random-convolution",
    backbone: str,
    image_size: int | None = None,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    milestones: Sequence[int] | None = None,
    schedule: str = "step",
    **others: Any,
) -> Recipe:
    """A checked recipe. augmentations default to the method's own, left_out to all of them that can have a space.

    texture says how textures are randomised where that augmentation is used. Milestones default to 60 % and 80 % of the
    epochs, as the paper's 300 and 400 of 500. Raises UserError.
    """
    if method not in trainable_names():
        raise unknown("method", method, trainable_names())
    if texture not in variant_names("texture"):
        raise unknown("texture randomisation", texture, variant_names("texture"))
    backbone, size = _check_backbone(backbone, image_size)
    if schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    used, own, same = _checked_augmentations(METHODS[method], augmentations, left_out, shared)
    if batch_size < 2 * (groups := int(others.get("groups", 1))):
        raise UserError(f"a batch of {batch_size} cannot be split into {groups} groups of 2; lower --groups.")
    try:
        return Recipe(
            method=method,
            augmentations=used,
            left_out=own,
            shared=same,
            texture=texture if "texture" in used else "",
            backbone=backbone,
            image_size=size,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            milestones=tuple(milestones if milestones is not None else (epochs * 3 // 5, epochs * 4 // 5)),
            **others,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"bad value for {first['loc'][0]}: {first['msg'].lower()} (given {first['input']}).") from error


def _check_backbone(name: str, image_size: int | None) -> tuple[str, int]:
    """Return a backbone's name in recipes, and the views' size, by default the backbone's own.

    Raises UserError for an unknown backbone, and for a size that it does not take.
    """
    from loocbench.models import backbone_names

    resolved = backbone_names.resolve_trainable(name)
    size = image_size or backbone_names.default_image_size(name)
    backbone_names.require_image_size(resolved, size)
    return resolved, size


def _checked_augmentations(
    method: Method, augmentations: Sequence[str] | None, left_out: Sequence[str] | None, shared: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """``augmentations``, ``left_out`` and ``shared`` of the recipe, sorted. Raises UserError where they do not fit."""
    if augmentations is None:
        # Where only rotation has a space, color jitter stays on as an ordinary augmentation (see docs/method.md).
        augmentations = method.augmentations if left_out is None else (*usual_names(), *left_out)
    for name in (*augmentations, *(left_out or ()), *shared):
        if name not in optional_names():
            raise unknown("augmentation", name, optional_names())
    used = tuple(sorted(set(augmentations)))
    if left_out and not method.leaves_out:
        raise UserError(f"{method.name} has no leave-one-out spaces; drop --leave-out or choose --method looc.")
    if spaceless := set(left_out or ()) - set(names_with_space()):
        raise UserError(f"{min(spaceless)} cannot have a space; --leave-out takes {', '.join(names_with_space())}.")
    own = [name for name in names_with_space() if name in (used if left_out is None else left_out)]
    if method.leaves_out and not own:
        raise UserError(
            f"{method.name} needs an augmentation to leave out; add --augment color or choose --method moco."
        )
    if unused := set(own) - set(used):
        raise UserError(f"left out but not used: {', '.join(sorted(unused))}; add it with --augment.")
    if shared and (not method.accepts_shared or set(shared) - set(used)):
        accepting = ", ".join(name for name, one in METHODS.items() if one.accepts_shared)
        raise UserError(f"--same needs --method {accepting}, and names augmentations of --augment that q and k share.")
    return used, tuple(own) if method.leaves_out else (), tuple(sorted(set(shared)))


def adapt_settings(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a recipe card, or ``DEFAULTS``, with changes: what ``make`` takes.

    What the settings leave out or share is their own method's, their milestones belong to their epochs, and the image
    size of ``DEFAULTS`` to its backbone: where those change, these are not kept.
    """
    belonging = {"method": ("left_out", "shared"), "epochs": ("milestones",)}
    if settings is DEFAULTS:
        belonging["backbone"] = ("image_size",)
    dropped = {name for changed, names in belonging.items() if changed in changes for name in names}
    return {**{name: value for name, value in settings.items() if name not in dropped}, **changes}


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Return the settings that make a recipe again, but for its seed and what it began from: what ``make`` takes."""
    own = recipe.model_dump(exclude={"seed", "init", "extended"})
    return {name: value for name, value in own.items() if name != "texture" or value}


def run_name(recipe: Recipe, dataset: str) -> str:
    """The run's name when none is given: method, augmentations, data set, seed.

    Beside augmentations that LooC leaves out, others are "with" them; usual ones are named where they are missing. A
    run that began from a checkpoint is "from" it.
    """
    others = "with-" if recipe.left_out else ""
    ordinary = ordinary_augmentations(recipe)
    named = [f"same-{name}" if name in recipe.shared else f"{others}{name}" for name in ordinary]
    missing = [f"no{name}" for name in missing_augmentations(recipe)]
    method, dataset = recipe.method.replace("++", "pp"), dataset.replace(":", "-")
    origin = [f"from-{recipe.init.name}"] if recipe.init else []
    return "-".join([method, *recipe.left_out, *named, *missing, *origin, dataset, f"s{recipe.seed}"])


def ordinary_augmentations(recipe: Recipe) -> list[str]:
    """The augmentations that have no space and are not usual."""
    return [name for name in recipe.augmentations if name not in (*recipe.left_out, *usual_names())]


def missing_augmentations(recipe: Recipe) -> list[str]:
    """The usual augmentations that the recipe lacks."""
    return [name for name in usual_names() if name not in recipe.augmentations]


def untrained(backbone: str, seed: int, image_size: int | None = None) -> Recipe:
    """The recipe of an untrained network. Raises UserError for an unknown backbone."""
    backbone, size = _check_backbone(backbone, image_size)
    return Recipe(
        method=UNTRAINED,
        augmentations=(),
        backbone=backbone,
        image_size=size,
        epochs=0,
        batch_size=2,
        learning_rate=1.0,
        seed=seed,
    )


def find_method(name: str) -> Method:
    """The method of this name. Raises UserError where this installation lacks it."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def spaces(recipe: Recipe) -> tuple[str, ...]:
    """Names of the embedding spaces Z_0 ... Z_n. Raises UserError for a method that this installation lacks."""
    return find_method(recipe.method).spaces(recipe)


def has_separate_stages(recipe: Recipe) -> bool:
    """Whether each space has its own copy of the last stage. Raises UserError as :func:`spaces`."""
    return find_method(recipe.method).separate_stages


def view_sources(recipe: Recipe) -> Sources:
    """Which view shares which augmentation under this recipe. Raises UserError as :func:`spaces`."""
    return find_method(recipe.method).view_sources(recipe)
