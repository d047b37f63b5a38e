"""The augmentations, one file each, and the table of them.

An augmentation draws its parameters first, on the CPU, then changes pixels as a pure function of them. So "this view
shares rotation with that one" is a statement about rows of parameters. A new one is a file here and an entry in the
table: recipes, the command line, embedding spaces and names of models follow from it. The table imports no torch.
"""

from __future__ import annotations

from collections.abc import Container

from loocbench.views.augmentations.augmentation import Augmentation
from loocbench.views.augmentations.blur import BLUR
from loocbench.views.augmentations.color import COLOR
from loocbench.views.augmentations.crop import CROP
from loocbench.views.augmentations.flip import FLIP
from loocbench.views.augmentations.random_convolution import RANDOM_CONVOLUTION
from loocbench.views.augmentations.rotation import ROTATION
from loocbench.views.augmentations.stylised import STYLISED

# In the order in which they are applied: MoCo v2's (crop, jitter, grayscale, blur, flip) up to operations that commute.
AUGMENTATIONS: tuple[Augmentation, ...] = (STYLISED, CROP, FLIP, ROTATION, RANDOM_CONVOLUTION, COLOR, BLUR)


def add_augmentation(one: Augmentation) -> None:
    """Add the augmentation of a plug-in, which is applied after those that are there."""
    global AUGMENTATIONS
    AUGMENTATIONS = (*AUGMENTATIONS, one)


def remove_augmentation(one: Augmentation) -> None:
    """Take away what :func:`add_augmentation` added."""
    global AUGMENTATIONS
    AUGMENTATIONS = tuple(other for other in AUGMENTATIONS if other is not one)


def select_augmentations(names: Container[str], variant: str = "") -> list[Augmentation]:
    """Those of these names, in the order in which they are applied. variant: which one, where several have one name."""
    return [one for one in AUGMENTATIONS if one.name in names and one.variant in ("", variant)]


def constant_names() -> tuple[str, ...]:
    """The augmentations of every view, which recipes do not list."""
    return tuple(one.name for one in AUGMENTATIONS if one.always)


def optional_names() -> list[str]:
    """The augmentations that a recipe may list, sorted."""
    return sorted({one.name for one in AUGMENTATIONS if not one.always})


def usual_names() -> list[str]:
    """The augmentations that a recipe has unless it says otherwise, sorted."""
    return sorted({one.name for one in AUGMENTATIONS if one.usual})


def names_with_space() -> list[str]:
    """The augmentations that can have an embedding space of their own, sorted."""
    return sorted({one.name for one in AUGMENTATIONS if one.has_space})


def variant_names(name: str) -> list[str]:
    """The ways of doing this augmentation; the default first, which is the one that needs no other images."""
    return sorted(one.variant for one in AUGMENTATIONS if one.name == name and one.variant)


def augmentation_title(name: str) -> str:
    """The augmentation's title in names of models; the name itself where this installation lacks it."""
    return next((one.title for one in AUGMENTATIONS if one.name == name), name.title())
