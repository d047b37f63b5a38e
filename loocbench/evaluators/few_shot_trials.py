"""Trials of few-shot classification: training on the shots, choosing the strength on the remaining images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.evaluators import probing
from loocbench.evaluators.strength_search import search_strength
from loocbench.solvers.adam import train_with_adam
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path
from loocbench.types import Outcome


class LabelledFeatures(NamedTuple):
    """Features [N, D] and labels [N]."""

    features: Tensor
    labels: Tensor


class Trial(NamedTuple):
    """The training shots, and the rest of the pool, on which a strength is chosen."""

    shots: LabelledFeatures
    rest: LabelledFeatures


def adam_top1(trial: Trial, test: LabelledFeatures) -> float:
    """Train on a trial's shots with Adam, and return top-1 on the test images."""
    weights, intercepts = train_with_adam(trial.shots.features[None], trial.shots.labels[None])
    return float(((test.features @ weights[0].T + intercepts[0]).argmax(dim=1) == test.labels).double().mean())


def choose_strength(trials: Callable[[], Iterable[Trial]], lambdas: Sequence[float], tolerance: float) -> Outcome:
    """Return the strength with the best mean top-1 on the trials' remaining images; see ``strength_search``.

    trials: iterates over the trials anew. Raises UserError if no image remains.
    """

    def evaluate(strengths: Sequence[float]) -> tuple[list[float], float]:
        right, certificate = [], 0.0
        for trial in trials():
            if not len(trial.rest.labels):
                raise UserError(
                    "the shots use every image, and none remains to choose a strength on; use --solver adam."
                )
            scale, path = _fit(trial, strengths, tolerance)
            right.append((path.predict(scale(trial.rest.features)) == trial.rest.labels).double().mean(dim=1))
            certificate = max(certificate, float(path.certificate.max()))
        return torch.stack(right).mean(dim=0).tolist(), certificate

    choice = search_strength(lambdas, evaluate)
    return Outcome({}, choice.chosen, choice.curve, choice.certificate)


def path_top1(trial: Trial, test: LabelledFeatures, strength: float, tolerance: float) -> float:
    """Fit a trial's shots with the chosen strength, and return top-1 on the test images.

    Fitted anew, since the paths of all trials are too large to keep; only the chosen strength is evaluated on test.
    """
    scale, path = _fit(trial, [strength], tolerance)
    return float((path.predict(scale(test.features))[0] == test.labels).double().mean())


def _fit(trial: Trial, lambdas: Sequence[float], tolerance: float) -> tuple[probing.Scale, LogisticPath]:
    scale = probing.Scale.fit(Blocks.from_tensor(trial.shots.features))
    return scale, fit_logistic_path(scale(trial.shots.features), trial.shots.labels, lambdas, tolerance=tolerance)


def iterate_trials(pool: LabelledFeatures, drawn: np.ndarray) -> Iterator[Trial]:
    """Yield the trials one at a time, since each copies the pool. drawn: rows, int64 [trials, classes, shots]."""
    for rows in drawn:
        chosen = torch.zeros(len(pool.labels), dtype=torch.bool, device=pool.labels.device)
        chosen[torch.from_numpy(rows.reshape(-1)).to(chosen.device)] = True
        yield Trial(*(LabelledFeatures(pool.features[part], pool.labels[part]) for part in (chosen, ~chosen)))
