"""Recipes: the methods, what each is made of, and the defaults of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from loocbench.errors import UserError, unknown
from loocbench.models import backbones
from loocbench.pretraining.methods import METHODS
from loocbench.pretraining.methods.contrastive import INVARIANT
from loocbench.types import Preprocessing, Recipe
from loocbench.views.leave_one_out import Sources

WITH_SPACE = ("color", "rotation", "texture")  # augmentations that can have a space of their own
USUAL = ("color", "rotation")  # LooC's when none are named
TEXTURES = ("random-convolution", "stylised")
SCHEDULES = ("step", "cosine")


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
    """A checked recipe. Unset: augmentations are color (and rotation for LooC); LooC leaves out all of them.

    texture says how textures are randomised where that augmentation is used. Milestones default to 60 % and 80 % of the
    epochs, as the paper's 300 and 400 of 500. Raises UserError.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if texture not in TEXTURES:
        raise unknown("texture randomisation", texture, TEXTURES)
    if backbone not in backbones.list_backbones():
        raise unknown("backbone", backbone, backbones.list_backbones())
    if schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    leave_one_out = METHODS[method].leaves_out
    if augmentations is None:
        # Where only rotation has a space, color jitter stays on as an ordinary augmentation (see docs/method.md).
        augmentations = USUAL if leave_one_out and left_out is None else ("color", *(left_out or ()))
    for name in (*augmentations, *(left_out or ()), *shared):
        if name not in WITH_SPACE:
            raise unknown("augmentation", name, WITH_SPACE)
    augmentations = [name for name in WITH_SPACE if name in augmentations]
    if left_out and not leave_one_out:
        raise UserError(f"{method} has no leave-one-out spaces; drop --leave-out or choose --method looc.")
    left_out = [name for name in WITH_SPACE if name in (augmentations if left_out is None else left_out)]
    if leave_one_out and not left_out:
        raise UserError(f"{method} needs an augmentation to leave out; add --augment color or choose --method moco.")
    if set(left_out) - set(augmentations):
        raise UserError(
            f"left out but not used: {', '.join(set(left_out) - set(augmentations))}; add it with --augment."
        )
    if shared and (method != "moco" or set(shared) - set(augmentations)):
        raise UserError("--same is MoCo's: it names augmentations of --augment that q and k get alike.")
    if batch_size < 2 * (groups := int(others.get("groups", 1))):
        raise UserError(f"a batch of {batch_size} cannot be split into {groups} groups of 2; lower --groups.")
    try:
        return Recipe(
            method=method,
            augmentations=tuple(augmentations),
            left_out=tuple(left_out) if leave_one_out else (),
            shared=tuple(name for name in WITH_SPACE if name in shared),
            texture=texture if "texture" in augmentations else "",
            backbone=backbone,
            image_size=image_size or backbones.default_image_size(backbone),
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


def run_name(recipe: Recipe, dataset: str) -> str:
    """The run's name when none is given: method, augmentations, data set, seed.

    Beside augmentations that LooC leaves out, others are "with" them; color jitter is named where it is not there.
    """
    ordinary = [name for name in recipe.augmentations if name not in (*recipe.left_out, "color")]
    prefix = "with-" if recipe.left_out else ""
    named = [f"same-{name}" if name in recipe.shared else f"{prefix}{name}" for name in ordinary]
    jitter = [] if "color" in recipe.augmentations else ["nocolor"]
    parts = [recipe.method.replace("++", "pp"), *recipe.left_out, *named, *jitter, dataset, f"s{recipe.seed}"]
    return "-".join(parts)


def untrained(backbone: str, seed: int, image_size: int | None = None) -> Recipe:
    """The recipe of an untrained network."""
    if backbone not in backbones.list_backbones():
        raise unknown("backbone", backbone, backbones.list_backbones())
    return Recipe(
        method="random",
        augmentations=(),
        backbone=backbone,
        image_size=image_size or backbones.default_image_size(backbone),
        epochs=0,
        batch_size=2,
        learning_rate=1.0,
        seed=seed,
    )


def spaces(recipe: Recipe) -> tuple[str, ...]:
    """Names of the embedding spaces Z_0 ... Z_n. An untrained network has MoCo's one."""
    return (INVARIANT,) if recipe.method == "random" else METHODS[recipe.method].spaces(recipe)


def separate(recipe: Recipe) -> bool:
    """Whether each space has its own copy of the last stage."""
    return recipe.method != "random" and METHODS[recipe.method].separate


def view_sources(recipe: Recipe) -> Sources:
    """Which view shares which augmentation under this recipe."""
    return METHODS[recipe.method].sources(recipe)


def preprocessing(image_size: int) -> Preprocessing:
    """Centre crop of ``image_size`` after resizing the short side to 8/7 of it (256 for 224)."""
    return Preprocessing(image_size=image_size, resize=round(image_size * 8 / 7))
