"""Whether the plug-ins that a checkpoint's network needs are in use."""

from __future__ import annotations

from loocbench.errors import UserError
from loocbench.models import backbone_names
from loocbench.plugins import in_use
from loocbench.pretraining.methods import METHODS
from loocbench.types import CheckpointCard


def require_plugins(card: CheckpointCard, where: str) -> None:
    """Raise UserError if a plug-in that is not in use defined the method or the architecture of a checkpoint.

    A data set or an augmentation of a plug-in is not needed to compute features. No card makes a plug-in run.
    """
    missing = in_use.find_missing(card.versions)
    lacking = []
    if card.recipe and card.recipe.method not in METHODS:
        lacking.append(f"method {card.recipe.method}")
    if ":" not in card.backbone and card.backbone not in backbone_names.list_trainable():
        lacking.append(f"architecture {card.backbone}")
    if missing and lacking:
        named = ", ".join(f"{name} ({origin})" for name, origin in missing.items())
        raise UserError(
            f"{where} was made with the plug-in{'s' if len(missing) > 1 else ''} {named} and needs "
            f"{'their' if len(missing) > 1 else 'its'} {' and '.join(lacking)}; {in_use.advise(missing)}."
        )


def describe_missing_plugins(card: CheckpointCard) -> str:
    """Return which plug-ins a checkpoint was made with that are not in use; "" if there are none."""
    return ", ".join(f"{name} ({origin})" for name, origin in in_use.find_missing(card.versions).items())
