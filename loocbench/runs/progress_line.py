"""The line that shows how far a run is and what it has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loocbench.pretraining.learning_warnings import format_figure
from loocbench.pretraining.loop import Progress
from loocbench.pretraining.recipes import find_method
from loocbench.types import Recipe


def describe_progress(
    recipe: Recipe, progress: Progress, chance_losses: Sequence[float], last: Mapping[str, Any]
) -> str:
    """Return "epoch 3/10, loss 5.37 of 6.93 (invariant 6.26 color 3.60 ...), varies with color 0.64, 412 images/s".

    "of" is the loss of a network that learned nothing. last: the log's entry of the last whole epoch, if there is one.
    """
    losses = " ".join(f"{space} {loss:.2f}" for space, loss in progress.losses.items())
    chance = sum(chance_losses) / len(chance_losses)
    variation = last.get("variation", {})
    own = [
        f"{name} {format_figure(variation[space][name], 2)}"
        for space, name in find_method(recipe.method).varies_with(recipe).items()
        if name in variation.get(space, {})
    ]
    return ", ".join(
        [
            f"epoch {progress.epoch}/{recipe.epochs}",
            f"loss {progress.loss:.3f} of {chance:.3f} ({losses})",
            *([f"varies with {' '.join(own)}"] if own else []),
            f"{progress.images_per_second:.0f} images/s",
            *([f"kNN {last['knn']:.1%}"] if "knn" in last else []),
        ]
    )
