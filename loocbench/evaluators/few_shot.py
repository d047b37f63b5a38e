"""Few-shot classification over all classes: K training images per class, evaluated on the whole test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from loocbench.evaluators.task_kind import Count, Positives, TaskKind, Tolerance
from loocbench.types import Frozen, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData


class FewShotProtocol(Frozen):
    """solver: the paper's Adam, or a certified logistic path. shots: training images per class.

    trials: number of draws. lambdas, tolerance: L2 strengths of the path, and the bound on its gradient norm.
    """

    solver: Literal["adam", "path"] = "adam"
    shots: Count
    trials: Count
    lambdas: Positives = ()
    tolerance: Tolerance = 1e-5

    @model_validator(mode="after")
    def _check_lambdas(self) -> FewShotProtocol:
        if self.solver == "path" and not self.lambdas:
            raise ValueError("the solver path needs protocol.lambdas")
        return self


class FewShot(TaskKind[FewShotProtocol]):
    """Mean top-1 over trials with its 95 % interval (``statistics.trial_mean``). Shots are of train and val."""

    name = "few-shot"
    protocol = FewShotProtocol
    label_use = "predicted"
    item_name = "draws of training images"

    def metrics(self, protocol: FewShotProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return top1."""
        return ("top1",)

    def evaluate(self, protocol: FewShotProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Train on each trial's shots and classify the test split. items: top-1 of each trial.

        The path's strength is chosen once for all trials, on the remaining images of the pool.
        """
        import torch

        from loocbench.evaluators import episode_sampling, statistics
        from loocbench.evaluators import few_shot_trials as trials

        (label,) = labels
        pool = trials.LabelledFeatures(
            torch.cat([data.features(split) for split in ("train", "val")]),
            torch.cat([data.labels(split, label) for split in ("train", "val")]),
        )
        test = trials.LabelledFeatures(data.features("test"), data.labels("test", label))
        drawn = episode_sampling.draw_shots(
            pool.labels.cpu().numpy(), shots=protocol.shots, count=protocol.trials, seed=data.seed
        )
        if protocol.solver == "adam":
            found = Outcome({})
            values = np.array([trials.adam_top1(trial, test) for trial in trials.iterate_trials(pool, drawn)])
        else:
            found = trials.choose_strength(
                lambda: trials.iterate_trials(pool, drawn), protocol.lambdas, protocol.tolerance
            )
            strength = found.chosen["lambda"]
            values = np.array(
                [
                    trials.path_top1(trial, test, strength, protocol.tolerance)
                    for trial in trials.iterate_trials(pool, drawn)
                ]
            )
        return replace(
            found,
            metrics={"top1": statistics.trial_mean(values, images=len(test.labels))},
            draws=episode_sampling.hash_rows(drawn),
            items={"top1": values},
        )


KIND = FewShot()
