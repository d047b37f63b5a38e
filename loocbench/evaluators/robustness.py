"""Robustness: a classifier trained on the data set's own images, judged as it is on corrupted or unfamiliar ones."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch

from loocbench.cards.tasks import TaskCard
from loocbench.changes.names import CORRUPTIONS
from loocbench.changes.ranges import CORRUPTION, range_of
from loocbench.errors import UserError
from loocbench.evaluators import episodes, probing, sampling, statistics
from loocbench.evaluators.probing import Classifier
from loocbench.evaluators.subject import Subject
from loocbench.types import Change, Metric, Outcome

Array = np.ndarray


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """clean_top1 on the data set's test images, top1 on the others, averaged over corruptions and severities, and top1
    of each corruption and of each group of corruptions, averaged over severities. curve: by corruption and severity.

    The other images are the test images of the card's data set ``elsewhere``, or the data set's own under the
    corruptions of ``protocol.changes``. The interval is over photographs, not over copies of them. Predictions are
    among all of the classifier's classes, also where the other data set has fewer.
    """
    (factor,) = card.labels
    train, val = probing.labelled(subject, factor)
    classifier = probing.train(train, val, card.protocol.lambdas, card.protocol.tolerance, subject.info)
    clean = probing.correct(classifier.scores_of(subject.blocks("test")), subject.labels("test", factor), 1)
    metrics = {"clean_top1": statistics.share(clean)}
    found = _elsewhere(card, subject, classifier) if card.elsewhere else _corrupted(card, subject, classifier)
    curve = [{name: severity, "top1": float(right.mean())} for (name, severity), right in found.right.items() if name]
    for group, names in {"": found.names, **{name: (name,) for name in found.names}, **CORRUPTIONS}.items():
        if metric := found.metric(names, subject.seed):
            metrics[f"{group}_top1" if group else "top1"] = metric
    return Outcome(
        metrics,
        {"lambda": classifier.choice.strength},
        curve,
        classifier.certificate,
        draws=found.draws,
        items={"top1": found.by_photograph(found.names), "clean_top1": clean},
    )


class _Found:
    """Whether images were recognised: right[corruption, severity] bool [M], photographs[...] int64 [M], which of
    ``count`` photographs they are made of. Images without a corruption have the name "". draws: the fingerprint of the
    photographs, where only some of the split's were drawn."""

    def __init__(self, count: int, draws: str = "") -> None:
        self.count = count
        self.draws = draws
        self.right: dict[tuple[str, float], Array] = {}
        self.photographs: dict[tuple[str, float], Array] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.right))

    def by_photograph(self, names: tuple[str, ...]) -> Array:
        """Share of a photograph's copies that were recognised, float64, of photographs with a copy."""
        right, copies = np.zeros(self.count), np.zeros(self.count)
        for key, values in self.right.items():
            if key[0] in names:
                np.add.at(right, self.photographs[key], values)
                np.add.at(copies, self.photographs[key], 1)
        return right[copies > 0] / copies[copies > 0]

    def metric(self, names: tuple[str, ...], seed: int) -> Metric | None:
        values = self.by_photograph(names)
        if not len(values):
            return None
        whole = names == ("",)  # one copy each: shares of independent images
        return statistics.share(values > 0) if whole else statistics.mean(values, seed=seed)


def _corrupted(card: TaskCard, subject: Subject, classifier: Classifier) -> _Found:
    """Test images, at most ``protocol.images``, under every corruption and severity of the card."""
    every = subject.labels("test", card.labels[0])
    rows = sampling.some(len(every), card.protocol.images, seed=subject.seed)
    labels = every[torch.from_numpy(rows).to(every.device)]
    found = _Found(len(labels), episodes.fingerprint(rows) if len(rows) < len(every) else "")
    for name in card.protocol.changes:
        for severity in range_of(name).strengths:
            features = subject.features("test", change=Change(name, severity, seed=subject.seed), rows=rows)
            key = name.removeprefix(CORRUPTION), severity
            found.right[key] = probing.correct(classifier.scores(features), labels, 1)
            found.photographs[key] = np.arange(len(labels))
    return found


def _elsewhere(card: TaskCard, subject: Subject, classifier: Classifier) -> _Found:
    """The other data set's test images. Its classes are found by their names among the classifier's."""
    (factor,) = card.labels
    other, known = subject.elsewhere(), list(subject.names("test", factor))
    if unknown := [name for name in other.names("test", factor) if name not in known]:
        raise UserError(
            f"{card.elsewhere} has {len(unknown)} classes that {card.dataset} lacks here ({unknown[0]} is one), and no "
            f"classifier trained on it can name them; get the whole {card.dataset}."
        )
    own = torch.tensor([known.index(name) for name in other.names("test", factor)], device=other.device)
    labels = own[other.labels("test", factor)]
    right = probing.correct(classifier.scores_of(other.blocks("test")), labels, 1)
    kinds, severities = _kinds(other, len(right))
    # A photograph's corrupted copies share its class folder and its name.
    photographs = np.unique(["/".join(item.split("/")[-2:]) for item in other.items("test")], return_inverse=True)[1]
    found = _Found(int(photographs.max()) + 1)
    rows = defaultdict(list)
    for row, key in enumerate(zip(kinds, severities, strict=True)):
        rows[key].append(row)
    for key, chosen in rows.items():
        found.right[key], found.photographs[key] = right[chosen], photographs[chosen]
    return found


def _kinds(other: Subject, count: int) -> tuple[list[str], list[float]]:
    """Corruption and severity of each image; ("", 0) where the data set knows none."""
    if "corruption" not in other.factors("test"):
        return [""] * count, [0.0] * count
    kinds, levels = other.names("test", "corruption"), other.names("test", "severity")
    corruption, severity = (other.labels("test", name).tolist() for name in ("corruption", "severity"))
    return [kinds[number] for number in corruption], [float(levels[number]) for number in severity]
