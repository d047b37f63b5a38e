"""Rotation prediction: a linear classifier tells which of four exact quarter turns was applied to a square crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loocbench.evaluators.task_kind import Grid, TaskKind, Tolerance
from loocbench.types import Change, Frozen, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators import probing
    from loocbench.evaluators.task_data import TaskData

TURNS = (0, 1, 2, 3)


class RotationProtocol(Frozen):
    """lambdas: L2 strengths of the probe to choose from. tolerance: bound on the gradient norm."""

    lambdas: Grid
    tolerance: Tolerance = 1e-5


class Rotation(TaskKind[RotationProtocol]):
    """Top-1 over the four rotations of every test image; all rotations of an image are in the same split."""

    name = "rotation"
    protocol = RotationProtocol
    label_use = "none"

    def metrics(self, protocol: RotationProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return top1."""
        return ("top1",)

    def evaluate(self, protocol: RotationProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Fit a certified logistic path on rotated training images, choose on validation, test once."""
        from loocbench.evaluators import probing, statistics

        test = _turned(data, "test")
        train, val = _turned(data, "train"), _turned(data, "val")
        classifier = probing.train_probe(train, val, protocol.lambdas, protocol.tolerance, data.info)
        right = probing.top_k_hits(classifier.score_blocks(test.features), test.labels, 1)
        # The four turns of an image are not independent of one another: the interval is over images.
        by_image = right.reshape(len(TURNS), -1).mean(axis=0)
        metrics = {"top1": statistics.bootstrap_mean(by_image, seed=data.seed)}
        choice = classifier.choice
        chosen = choice.chosen
        return Outcome(metrics, chosen, choice.curve, classifier.certificate, items={"top1": by_image})


def _turned(data: TaskData, split: str) -> probing.Labelled:
    """Return the features of a split under all four rotations, with the number of quarter turns as labels."""
    import torch

    from loocbench.evaluators import probing

    parts = [data.blocks(split, change=Change("rotation", 90 * turns)) for turns in TURNS]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.followed_by(part)
    labels = [torch.full((part.shape[0],), turns) for part, turns in zip(parts, TURNS, strict=True)]
    return probing.Labelled(whole, torch.cat(labels).to(data.device))


KIND = Rotation()
