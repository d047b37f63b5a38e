"""Linear probe: how well a label is read off the features by a linear classifier. Top-1, top-5, per class, on test."""

from __future__ import annotations

from torch import Tensor

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import probing, sgd_probe
from loocbench.evaluators.subject import Subject
from loocbench.types import Outcome


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metrics top1, top5 where there are more than five classes, and mean_per_class.

    Protocol ``path`` is the certified logistic path and ``ridge`` its instant sibling, each with its strength chosen on
    validation; ``sgd`` is the paper's.
    """
    (factor,) = card.labels
    protocol = card.protocol
    if protocol.solver == "sgd":
        trained = sgd_probe.probe(protocol, subject, factor)
        return _outcome(subject, factor, trained.scores, {"learning_rate": trained.learning_rate}, trained.curve)
    fit = probing.fit_ridge if protocol.solver == "ridge" else probing.fit_logistic
    train, val = probing.labelled(subject, factor)
    classifier = probing.train(train, val, protocol.lambdas, protocol.tolerance, subject.info, fit=fit)
    scores, choice = classifier.scores_of(subject.blocks("test")), classifier.choice
    return _outcome(subject, factor, scores, {"lambda": choice.strength}, choice.curve, classifier.certificate)


def _outcome(
    subject: Subject,
    factor: str,
    scores: Tensor,
    chosen: dict[str, float],
    curve: list[dict[str, float]],
    certificate: float | None = None,
) -> Outcome:
    labels = subject.labels("test", factor)
    metrics = probing.metrics(scores, labels, seed=subject.seed)
    return Outcome(metrics, chosen, curve, certificate, items={"top1": probing.correct(scores, labels, 1)})
