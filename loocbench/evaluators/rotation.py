"""Rotation prediction: which of four exact quarter turns a square crop was given, read off by a linear classifier."""

from __future__ import annotations

import torch

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import probing, statistics
from loocbench.evaluators.subject import Subject
from loocbench.types import Change, Outcome

TURNS = (0, 1, 2, 3)


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metric top1. All four turns of an image are on the same side of a split."""

    def turned(split: str) -> probing.Labelled:
        parts = [subject.blocks(split, change=Change("rotation", 90 * turns)) for turns in TURNS]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.above(part)
        labels = [torch.full((part.shape[0],), turns) for part, turns in zip(parts, TURNS, strict=True)]
        return probing.Labelled(whole, torch.cat(labels).to(subject.device))

    protocol, test = card.protocol, turned("test")
    classifier = probing.train(turned("train"), turned("val"), protocol.lambdas, protocol.tolerance, subject.info)
    right = probing.correct(classifier.scores_of(test.features), test.labels, 1)
    # The four turns of an image are not independent of one another: the interval is over images.
    by_image = right.reshape(len(TURNS), -1).mean(axis=0)
    metrics = {"top1": statistics.mean(by_image, seed=subject.seed)}
    choice = classifier.choice
    return Outcome(metrics, {"lambda": choice.strength}, choice.curve, classifier.certificate, items={"top1": by_image})
