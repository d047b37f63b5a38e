"""N-way K-shot episodes: one logistic regression per episode, solved in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from loocbench.evaluators.task_kind import Count, TaskKind, Tolerance
from loocbench.types import Frozen, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData

_BATCH = 250  # episodes in memory at once


class EpisodesProtocol(Frozen):
    """ways: classes per episode. shots, queries: images per class to train on and to classify.

    trials: number of episodes. lambdas: one L2 strength, since an episode has no validation images.
    """

    ways: int = Field(ge=2)
    shots: Count
    queries: Count
    trials: Count
    lambdas: tuple[Annotated[float, Field(gt=0)]]
    tolerance: Tolerance = 1e-5


class Episodes(TaskKind[EpisodesProtocol]):
    """Mean top-1 over episodes drawn from the test split, with its 95 % interval (see ``statistics.trial_mean``)."""

    name = "episodes"
    protocol = EpisodesProtocol
    label_use = "predicted"
    item_name = "episodes"

    def metrics(self, protocol: EpisodesProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return top1."""
        return ("top1",)

    def evaluate(self, protocol: EpisodesProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Fit on L2-normalised features (Tian et al. 2020). items: top-1 of each episode."""
        import torch
        from torch.nn import functional as F

        from loocbench.evaluators import episode_sampling, statistics
        from loocbench.solvers.batched import fit_logistic_batch

        (label,) = labels
        (strength,) = protocol.lambdas
        features = F.normalize(data.features("test"), dim=1)
        drawn = episode_sampling.draw_episodes(
            data.labels("test", label).cpu().numpy(),
            ways=protocol.ways,
            shots=protocol.shots,
            queries=protocol.queries,
            count=protocol.trials,
            seed=data.seed,
        )
        own = torch.arange(protocol.ways, device=features.device)
        values, certificate = [], 0.0
        for begin in range(0, protocol.trials, _BATCH):
            support, asked = (
                torch.from_numpy(part[begin : begin + _BATCH]).to(features.device).flatten(1)
                for part in (drawn.support, drawn.queries)
            )
            support_labels = own.repeat_interleave(protocol.shots).expand(len(support), -1)
            fitted = fit_logistic_batch(features[support], support_labels, strength, tolerance=protocol.tolerance)
            wanted = own.repeat_interleave(protocol.queries)
            values.append((fitted.predict(features[asked]) == wanted).double().mean(dim=1).cpu())
            certificate = max(certificate, float(fitted.certificate.max()))
        accuracies = np.concatenate(values)
        return Outcome(
            {"top1": statistics.trial_mean(accuracies, images=len(np.unique(drawn.queries)))},
            {"lambda": strength},
            certificate=certificate,
            draws=drawn.fingerprint,
            items={"top1": accuracies},
        )


KIND = Episodes()
