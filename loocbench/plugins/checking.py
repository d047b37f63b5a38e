"""Whether what a plug-in declares can be added: kinds of values, names, and numbers of random streams."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

from loocbench.errors import UserError
from loocbench.lazy_table import import_place
from loocbench.plugins.plugin import PARTS, Part, Plugin

NAME = re.compile(r"[a-z][a-z0-9_-]*")
FIRST_STREAM, LAST_STREAM = 128, 255  # of random numbers; those below are loocbench's own

# What each part holds: its name in messages, and its class, which is imported only where there is something to check.
_HELD: dict[Part, tuple[str, str]] = {
    "datasets": ("data set", "loocbench.data.entry:Entry"),
    "augmentations": ("augmentation", "loocbench.views.augmentations.augmentation:Augmentation"),
    "methods": ("method", "loocbench.pretraining.methods.method:Method"),
    "task_kinds": ("task kind", "loocbench.evaluators.task_kind:TaskKind"),
    "architectures": ("architecture", "loocbench.models.backbone:Backbone"),
}
# Settings of an augmentation that would change every recipe, or the images that the others are given.
_OWN = ("always", "usual", "takes_bytes", "variant")


def require_sound(plugin: Plugin, origin: str) -> None:
    """Raise UserError, saying what to change, for a declaration that is not what ``Plugin`` describes."""
    if not isinstance(plugin.name, str) or not NAME.fullmatch(plugin.name):
        raise UserError(f"{origin}: a plug-in cannot be called {plugin.name!r}; use small letters, digits, - and _.")
    for part in PARTS:
        what, place = _HELD[part]
        for one in _require_sequence(plugin, part, origin):
            kind = import_place(place)
            if not isinstance(one, kind):
                raise UserError(
                    f"{origin}: {part} of plug-in {plugin.name} holds {_describe(one)}; give {kind.__name__} values."
                )
            plain = one.name.replace("+", "") if part == "methods" else one.name
            if not NAME.fullmatch(plain):
                raise UserError(f"{origin}: {what} {one.name!r} has no plain name; use small letters, digits, - and _.")
    for protocol in _require_sequence(plugin, "protocols", origin):
        if not hasattr(protocol, "keys"):
            raise UserError(f"{origin}: protocols holds {_describe(protocol)}; give dicts of a protocol card's fields.")
    for entry in plugin.datasets:
        if entry.test_only:
            raise UserError(
                f"{origin}: data set {entry.name} has test images alone; a plug-in's needs training images."
            )
    for augmentation in plugin.augmentations:
        if wrong := [name for name in _OWN if getattr(augmentation, name)]:
            raise UserError(
                f"{origin}: {wrong[0]} of augmentation {augmentation.name} is for loocbench's own; leave it out."
            )
        if not FIRST_STREAM <= augmentation.stream <= LAST_STREAM:
            raise UserError(
                f"{origin}: stream {augmentation.stream} of augmentation {augmentation.name} is for loocbench's own; "
                f"choose one from {FIRST_STREAM} to {LAST_STREAM}."
            )
    named = {fields.get("kind") for fields in plugin.protocols}
    for kind in plugin.task_kinds:
        if kind.name not in named:
            raise UserError(f"{origin}: task kind {kind.name} has no protocol; add one of that kind to protocols.")


def require_free(part: Part, name: str, taken: Container[str], origin: str) -> None:
    """Raise UserError for a name that is taken."""
    if name in taken:
        raise UserError(f"{origin}: the {_HELD[part][0]} '{name}' is there already; choose another name.")


def _require_sequence(plugin: Plugin, part: str, origin: str) -> Sequence[Any]:
    values = getattr(plugin, part)
    if not isinstance(values, tuple | list):
        raise UserError(f"{origin}: {part} of the plug-in {plugin.name} is {_describe(values)}; write ({part[:-1]},).")
    return values


def _describe(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
