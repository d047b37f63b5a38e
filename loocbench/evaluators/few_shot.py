"""Few-shot classification over all classes: K images a class to learn from, the whole test split to be asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import episodes, probing, statistics
from loocbench.evaluators.subject import Subject
from loocbench.solvers.adam import train_with_adam
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path
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
    what the trials leave over of the pool. items: the share of trials in which a test image was recognised.
    """
    (factor,) = card.labels
    protocol = card.protocol
    pool = _Images(
        torch.cat([subject.features(split) for split in ("train", "val")]),
        torch.cat([subject.labels(split, factor) for split in ("train", "val")]),
    )
    test = _Images(subject.features("test"), subject.labels("test", factor))
    drawn = episodes.draw_shots(
        pool.labels.cpu().numpy(), shots=protocol.shots, count=protocol.trials, seed=subject.seed
    )
    if protocol.solver == "adam":
        found = Outcome({})
        right = torch.stack([_by_adam(trial, test) for trial in _trials(pool, drawn)])
    else:
        found = _choose(_trials(pool, drawn), protocol.lambdas, protocol.tolerance)
        right = torch.stack(
            [_by_path(trial, test, found.chosen["lambda"], protocol.tolerance) for trial in _trials(pool, drawn)]
        )
    return replace(
        found,
        metrics={"top1": statistics.trials(right.mean(dim=1).cpu().numpy())},
        draws=episodes.fingerprint(drawn),
        items={"top1": right.mean(dim=0).cpu().numpy()},
    )


def _by_adam(trial: _Trial, test: _Images) -> Tensor:
    """Whether each test image was recognised, float64 [N]."""
    weights, intercepts = train_with_adam(trial.shots.features[None], trial.shots.labels[None])
    return ((test.features @ weights[0].T + intercepts[0]).argmax(dim=1) == test.labels).double()


def _choose(trials: Iterable[_Trial], lambdas: Sequence[float], tolerance: float) -> Outcome:
    """The strength that is best for what the trials leave over, the strongest of equally good ones."""
    grid = sorted(lambdas, reverse=True)
    right, certificate = [], 0.0
    for trial in trials:
        scale, path = _fit(trial, grid, tolerance)
        right.append((path.predict(scale(trial.rest.features)) == trial.rest.labels).double().mean(dim=1))
        certificate = max(certificate, float(path.certificate.max()))
    mean = torch.stack(right).mean(dim=0)
    curve = [{"lambda": value, "val_top1": float(accuracy)} for value, accuracy in zip(grid, mean, strict=True)]
    return Outcome({}, {"lambda": grid[int(mean.argmax())]}, curve, certificate)


def _by_path(trial: _Trial, test: _Images, strength: float, tolerance: float) -> Tensor:
    """As :func:`_by_adam`. The fit is made again: paths of all trials are too large to keep, and test images are asked
    about the chosen strength alone."""
    scale, path = _fit(trial, [strength], tolerance)
    return (path.predict(scale(test.features))[0] == test.labels).double()


def _fit(trial: _Trial, lambdas: Sequence[float], tolerance: float) -> tuple[probing.Scale, LogisticPath]:
    scale = probing.Scale.of(Blocks.of(trial.shots.features))
    return scale, fit_logistic_path(scale(trial.shots.features), trial.shots.labels, lambdas, tolerance=tolerance)


def _trials(pool: _Images, drawn: np.ndarray) -> Iterator[_Trial]:
    """One after another, since each is a copy of the pool. drawn: rows of the pool, int64 [trials, classes, shots]."""
    for rows in drawn:
        chosen = torch.zeros(len(pool.labels), dtype=torch.bool, device=pool.labels.device)
        chosen[torch.from_numpy(rows.reshape(-1)).to(chosen.device)] = True
        yield _Trial(*(_Images(pool.features[part], pool.labels[part]) for part in (chosen, ~chosen)))
