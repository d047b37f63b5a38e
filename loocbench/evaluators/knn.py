"""Classification by nearest neighbours: nothing is trained. The number of neighbours is chosen on validation."""

from __future__ import annotations

import torch

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import probing
from loocbench.evaluators.subject import Subject
from loocbench.solvers.vote import weighted_votes
from loocbench.types import Outcome


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metrics top1, top5 where there are more than five classes, and mean_per_class. Train votes on val, train + val on
    test; of equally good numbers of neighbours the smallest is chosen."""
    (factor,) = card.labels
    train, val, test = ((subject.features(split), subject.labels(split, factor)) for split in ("train", "val", "test"))
    grid = sorted(card.protocol.neighbours)
    votes = weighted_votes(*train, val[0], grid, card.protocol.temperature)
    right = (votes.argmax(dim=2) == val[1]).double().mean(dim=1)
    chosen = grid[int(right.argmax())]
    (scores,) = weighted_votes(
        torch.cat([train[0], val[0]]),
        torch.cat([train[1], val[1]]),
        test[0],
        [chosen],
        card.protocol.temperature,
    )
    scores[scores == 0] = -torch.inf  # a class without a vote is no guess, not even the fifth
    curve = [{"neighbours": k, "val_top1": float(accuracy)} for k, accuracy in zip(grid, right, strict=True)]
    metrics = probing.metrics(scores, test[1], seed=subject.seed)
    return Outcome(metrics, {"neighbours": chosen}, curve, items={"top1": probing.correct(scores, test[1], 1)})
