"""Retrieval: whether an image's nearest neighbours share its class, its colour, and both."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from loocbench.cards.protocols import COLOR, together
from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import color_descriptor, neighbours, ranking_metrics, statistics
from loocbench.evaluators.subject import Subject
from loocbench.types import Metric, Outcome

_CHUNK = 256
_CENTRAL = "central half of the crop"


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """For each label of the card, for the colour, and for all of them together, LABEL_recall1, _recall5, _recall10,
    _map, _map_at_r and _r_precision (see ``ranking_metrics``).

    Where no label is the colour, images of one colour are those that ``color_descriptor`` says are alike, and
    color_agreement is given too. scale: the same metrics of a random ranking and of the best possible one.
    """
    features = subject.features("test")
    labels = {factor: subject.labels("test", factor) for factor in card.labels}
    described = None if COLOR in labels else _descriptors(subject, len(features)).to(features.device)
    found: dict[str, list[Tensor]] = defaultdict(list)
    chance: dict[str, list[Tensor]] = defaultdict(list)
    for block in neighbours.rankings(features):
        matches = {factor: label[block.neighbours] == label[block.queries][:, None] for factor, label in labels.items()}
        if described is not None:
            matches[COLOR] = color_descriptor.alike(described, block.queries).gather(1, block.neighbours)
            nearest = color_descriptor.agreement(described, block.queries, block.neighbours[:, 0])
            found["color_agreement"].append(nearest.cpu())
        if len(matches) > 1:
            matches[together(list(matches))] = torch.stack(list(matches.values())).all(dim=0)
        for kind, right in matches.items():
            _add(found, kind, right)
            _add_chance(chance, kind, right)
    items = {name: torch.cat(parts).numpy() for name, parts in found.items()}
    expected = {name: float(torch.cat(parts).mean()) for name, parts in chance.items()}
    oracle = {name: _best(name, items) for name in expected}
    stated = {}
    if described is not None:
        expected["color_agreement"], oracle["color_agreement"] = 0.5, 1.0
        stated["foreground"] = subject.foreground or _CENTRAL
    return Outcome(
        {name: _metric(values, subject.seed) for name, values in items.items()},
        items={name: values for name, values in items.items() if len(values) == len(features)},
        scale={"random": expected, "oracle": oracle},
        stated=stated,
    )


def _add(values: dict[str, list[Tensor]], kind: str, right: Tensor) -> None:
    """Every metric of a block's queries; average precisions of those alone to which there is an answer."""
    asked = right[ranking_metrics.answerable(right)]
    for k in (1, 5, 10):
        values[f"{kind}_recall{k}"].append(ranking_metrics.recall_at(right, k).cpu())
    values[f"{kind}_map"].append(ranking_metrics.average_precision(asked).cpu())
    values[f"{kind}_map_at_r"].append(ranking_metrics.map_at_r(asked).cpu())
    values[f"{kind}_r_precision"].append(ranking_metrics.r_precision(asked).cpu())


def _add_chance(values: dict[str, list[Tensor]], kind: str, right: Tensor) -> None:
    """What a random order is expected to give."""
    relevant, places = right.sum(dim=1).cpu(), right.shape[1]
    asked = relevant[relevant > 0]
    for k in (1, 5, 10):
        values[f"{kind}_recall{k}"].append(ranking_metrics.chance_recall_at(relevant, places, k))
    values[f"{kind}_map"].append(ranking_metrics.chance_average_precision(asked, places))
    values[f"{kind}_map_at_r"].append(ranking_metrics.chance_map_at_r(asked, places))
    values[f"{kind}_r_precision"].append(asked.double() / places)


def _best(name: str, items: dict[str, np.ndarray]) -> float:
    """Of the best possible order: 1, or of recall the share of queries that have an answer."""
    kind, metric = name.rsplit("_recall", 1) if "_recall" in name else (name, "")
    return len(items[f"{kind}_map"]) / len(items[name]) if metric else 1.0


def _metric(values: np.ndarray, seed: int) -> Metric:
    return statistics.share(values) if values.dtype == bool else statistics.mean(values, seed=seed)


def _descriptors(subject: Subject, count: int) -> Tensor:
    """Of the colour of every test image."""
    parts = []
    for rows in np.array_split(np.arange(count), -(-count // _CHUNK)):
        masks = subject.masks("test", rows.tolist()) if subject.foreground else None
        parts.append(color_descriptor.histograms(subject.crops("test", rows.tolist()), masks))
    return torch.from_numpy(np.concatenate(parts))
