"""Retrieval: whether an image's nearest neighbours share its class, its colour, and both."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from loocbench.cards.tasks import COLOR, TaskCard
from loocbench.evaluators import color_descriptor, neighbours, ranking_metrics, statistics
from loocbench.evaluators.subject import Subject
from loocbench.types import Metric, Outcome

_CHUNK = 256


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """For each label of the card, and for all of them together, LABEL_recall1, _recall5, _recall10, _map, _map_at_r and
    _r_precision (see ``ranking_metrics``); where no label is the colour, color_agreement too."""
    features = subject.features("test")
    labels = {factor: subject.labels("test", factor) for factor in card.labels}
    values: dict[str, list[Tensor]] = defaultdict(list)
    first = []
    for block in neighbours.rankings(features):
        matches = {factor: label[block.neighbours] == label[block.queries][:, None] for factor, label in labels.items()}
        if len(matches) > 1:
            matches[card.together] = torch.stack(list(matches.values())).all(dim=0)
        for kind, right in matches.items():
            for name, found in _measured(right).items():
                values[f"{kind}_{name}"].append(found.cpu())
        first.append(block.neighbours[:, 0].cpu())
    metrics: dict[str, Metric] = {}
    for name, parts in values.items():
        whole = torch.cat(parts).numpy()
        metrics[name] = statistics.share(whole) if whole.dtype == bool else statistics.mean(whole, seed=subject.seed)
    if COLOR not in card.labels:
        chunks = np.array_split(np.arange(len(features)), -(-len(features) // _CHUNK))
        colors = np.concatenate(
            [color_descriptor.central_color(subject.crops("test", rows.tolist())) for rows in chunks]
        )
        agreement = color_descriptor.agreement(torch.cat(first).numpy(), colors)
        metrics["color_agreement"] = statistics.mean(agreement, seed=subject.seed)
    return Outcome(metrics)


def _measured(right: Tensor) -> dict[str, Tensor]:
    """Every metric of a block's queries; average precisions of those alone to which there is an answer."""
    asked = right[ranking_metrics.answerable(right)]
    return {
        **{f"recall{k}": ranking_metrics.recall_at(right, k) for k in (1, 5, 10)},
        "map": ranking_metrics.average_precision(asked),
        "map_at_r": ranking_metrics.map_at_r(asked),
        "r_precision": ranking_metrics.r_precision(asked),
    }
