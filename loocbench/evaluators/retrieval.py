"""Retrieval: whether an image's nearest neighbours share its class, and its colour."""

from __future__ import annotations

import numpy as np

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import color_descriptor, neighbours, statistics
from loocbench.evaluators.subject import Subject
from loocbench.types import Metric, Outcome

COLOR = "color"
_CHUNK = 256


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """For each label of the card LABEL_recall1 and LABEL_map; where no label is the colour, color_agreement too."""
    order = neighbours.rank(subject.features("test"))
    metrics: dict[str, Metric] = {}
    for factor in card.labels:
        labels = subject.labels("test", factor).cpu().numpy()
        matches = labels[order] == labels[:, None]
        metrics[f"{factor}_recall1"] = statistics.share(neighbours.recall_at_1(matches))
        answerable = matches.any(axis=1)  # an image that is alone in its class has no average precision
        precision = neighbours.average_precision(matches[answerable])
        metrics[f"{factor}_map"] = statistics.mean(precision, seed=subject.seed)
    if COLOR not in card.labels:
        chunks = np.array_split(np.arange(len(order)), -(-len(order) // _CHUNK))
        colors = np.concatenate(
            [color_descriptor.central_color(subject.crops("test", rows.tolist())) for rows in chunks]
        )
        metrics["color_agreement"] = statistics.mean(neighbours.color_agreement(order, colors), seed=subject.seed)
    return Outcome(metrics)
