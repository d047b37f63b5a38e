"""Warnings of a run that does not learn what its method is to teach it, drawn from the entries of its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from loocbench.pretraining.methods.method import INVARIANT
from loocbench.pretraining.recipes import find_method
from loocbench.types import Recipe

# A space has collapsed where 1 - mean cosine of different images is less than this share of the temperature: its logits
# then differ by 0.05 on average, and its loss cannot fall much further below chance. At temperature 0.2 that is a mean
# cosine above 0.99. Collapsed spaces had 0.995 and more (resnet8 on blooms), initial weights with settled batch norm
# 0.80 to 0.91 (resnet8, 18, 50). The loss does not tell these apart, and in the first epoch the queue's random
# directions make it low even for a collapsed space.
_COLLAPSED = 0.05
_NEAR_CHANCE = 0.95  # share of the chance loss
# Spaces that ignore rotation have 0.00 to 0.01, those that use it 0.1 to 0.4 (resnet8 on blooms).
_LEAST_VARIATION = 0.05
_LOW_RATE = 0.01  # learning rates up to this are not suspected of being too high

Kind = Literal["collapsed", "does not vary", "has not learned"]


class LearningWarning(NamedTuple):
    """What is wrong with a space, as a statement without figures, and the figures that say so."""

    kind: Kind
    statement: str
    figures: str


def is_reporting_epoch(recipe: Recipe, epoch: int) -> bool:
    """Whether the user is warned after this epoch: at half of them, when little is lost by stopping, and at the end."""
    return epoch in (-(-recipe.epochs // 2), recipe.epochs)


def find_warnings(recipe: Recipe, entry: Mapping[str, Any]) -> list[LearningWarning]:
    """The warnings that an epoch's entry of the log gives rise to.

    Before half of the epochs it is too early for any, and before the last one for a loss near chance. Entries of older
    versions, which hold no signs, give none.
    """
    if 2 * entry["epoch"] < recipe.epochs or "chance_losses" not in entry:
        return []
    return [warning for space in entry["losses"] for warning in _judge_space(recipe, entry, space)]


def _judge_space(recipe: Recipe, entry: Mapping[str, Any], space: str) -> Iterator[LearningWarning]:
    loss, chance = entry["losses"][space], entry["chance_losses"][space]
    near_chance = loss > _NEAR_CHANCE * chance > 0
    similarity, moved = entry["similarity"].get(space), entry["variation"].get(space, {})
    name = "the network" if similarity is None else f"the space {space}"
    losses = f"loss {loss:.2f}, chance {chance:.2f}"
    if similarity is not None and 1 - similarity < _COLLAPSED * recipe.temperature:
        figures = f"mean cosine of different images {similarity:.4f}, {losses}"
        yield LearningWarning("collapsed", f"{name} has collapsed", figures)
        return
    own = find_method(recipe.method).varies_with(recipe).get(space)
    invariant = entry["variation"].get(INVARIANT, {}).get(own, 0.0)
    if own in moved and (moved[own] < _LEAST_VARIATION or moved[own] <= invariant):
        lower = f"cosine lower by {format_figure(moved[own], 3)} where {own} differs"
        figures = f"{lower}, by {format_figure(invariant, 3)} in the space {INVARIANT}"
        yield LearningWarning("does not vary", f"{name} does not vary with {own}", figures)
    if near_chance and entry["epoch"] == recipe.epochs:
        yield LearningWarning("has not learned", f"{name} has learned next to nothing", losses)


def format_figure(value: float, decimals: int) -> str:
    """A figure with so many decimals, never a negative zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def describe_warnings(recipe: Recipe, epoch: int, warnings: Sequence[LearningWarning]) -> list[str]:
    """A line for the user for each kind of warning, with what to try."""
    lines = []
    for kind in dict.fromkeys(warning.kind for warning in warnings):
        found = "; ".join(f"{one.statement} ({one.figures})" for one in warnings if one.kind == kind)
        lines.append(f"warning: after {epoch} of {recipe.epochs} epochs {found}. {suggest_remedy(recipe, kind)}")
    return lines


def suggest_remedy(recipe: Recipe, kind: Kind) -> str:
    """What to try against a kind of warning, with the recipe's own values."""
    another = "a lower" if recipe.learning_rate > _LOW_RATE else "another"
    rate = f"{another} --learning-rate (now {recipe.learning_rate:g})"
    queue = f"a smaller --queue-size (now {recipe.queue_size})"
    longer = f"more --epochs (now {recipe.epochs})"
    if kind == "collapsed":
        return f"Try {rate} or a higher --key-momentum (now {recipe.key_momentum:g})."
    if kind == "does not vary":
        return (
            f"Try {rate}, {queue}, in which the image's own other keys weigh more, or {longer}; nothing helps where "
            "images look alike whatever is drawn."
        )
    if find_method(recipe.method).needs_labels:
        return f"Try {longer} or {rate}."
    return f"Try {longer}, {rate} or {queue}."
