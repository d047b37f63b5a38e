"""Linear probe: how well a label is read off the features by a linear classifier. Top-1 and top-5 on test."""

from __future__ import annotations

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import probing
from loocbench.evaluators.subject import Subject
from loocbench.types import Outcome


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metrics top1, and top5 where there are more than five classes."""
    (factor,) = card.labels
    train, val, test = (
        probing.Labelled(subject.blocks(split), subject.labels(split, factor)) for split in ("train", "val", "test")
    )
    probe = probing.probe(train, val, test, card.protocol.lambdas, card.protocol.tolerance, subject.say)
    metrics = probing.metrics(probe.scores, test.labels)
    return Outcome(metrics, {"lambda": probe.strength}, probe.curve, probe.certificate)
