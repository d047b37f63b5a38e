"""Few-shot classification over all classes: K images a class to learn from, the whole test split to be asked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import episodes, probing, statistics
from loocbench.evaluators.subject import Subject
from loocbench.solvers.adam import train_with_adam
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import fit_logistic_path
from loocbench.types import Outcome


class _Images(NamedTuple):
    """Features [N, D] and labels [N]."""

    features: Tensor
    labels: Tensor


class _Trial(NamedTuple):
    """What is learned from, and the images of the pool that are not, on which a strength is chosen."""

    shots: _Images
    rest: _Images


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metric top1: mean over trials with its 95 % interval. Shots are drawn from train + val, which are one pool.

    Protocol ``adam`` is the paper's; ``path`` is a certified logistic path, its strength chosen once for all trials on
    what the trials leave over of the pool.
    """
    (factor,) = card.labels
    protocol = card.protocol
    features = torch.cat([subject.features(split) for split in ("train", "val")])
    labels = torch.cat([subject.labels(split, factor) for split in ("train", "val")])
    test = _Images(subject.features("test"), subject.labels("test", factor))
    drawn = episodes.draw_shots(labels.cpu().numpy(), shots=protocol.shots, count=protocol.trials, seed=subject.seed)
    trials = (_trial(features, labels, rows.reshape(-1)) for rows in drawn)
    fingerprint = episodes.fingerprint(drawn)
    if protocol.solver == "adam":
        values = np.array([_accuracy(*_by_adam(trial), test) for trial in trials])
        return Outcome({"top1": statistics.trials(values)}, draws=fingerprint, items={"top1": values})
    return _by_path(card, trials, test, fingerprint)


def _by_adam(trial: _Trial) -> tuple[Tensor, Tensor]:
    weights, intercepts = train_with_adam(trial.shots.features[None], trial.shots.labels[None])
    return weights[0], intercepts[0]


def _by_path(card: TaskCard, trials: Iterator[_Trial], test: _Images, fingerprint: str) -> Outcome:
    grid = sorted(card.protocol.lambdas, reverse=True)
    on_rest, on_test, certificate = [], [], 0.0
    for trial in trials:
        scale = probing.Scale.of(Blocks.of(trial.shots.features))
        path = fit_logistic_path(
            scale(trial.shots.features), trial.shots.labels, grid, tolerance=card.protocol.tolerance
        )
        on_rest.append((path.predict(scale(trial.rest.features)) == trial.rest.labels).double().mean(dim=1))
        on_test.append((path.predict(scale(test.features)) == test.labels).double().mean(dim=1))
        certificate = max(certificate, float(path.certificate.max()))
    mean = torch.stack(on_rest).mean(dim=0)
    best = int(mean.argmax())
    values = torch.stack(on_test)[:, best].cpu().numpy()
    curve = [{"lambda": value, "val_top1": float(right)} for value, right in zip(grid, mean, strict=True)]
    return Outcome(
        {"top1": statistics.trials(values)},
        {"lambda": grid[best]},
        curve,
        certificate,
        draws=fingerprint,
        items={"top1": values},
    )


def _trial(features: Tensor, labels: Tensor, rows: np.ndarray) -> _Trial:
    chosen = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    chosen[torch.from_numpy(rows).to(labels.device)] = True
    return _Trial(_Images(features[chosen], labels[chosen]), _Images(features[~chosen], labels[~chosen]))


def _accuracy(weights: Tensor, intercepts: Tensor, test: _Images) -> float:
    return float(((test.features @ weights.T + intercepts).argmax(dim=1) == test.labels).double().mean())
