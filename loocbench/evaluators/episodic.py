"""N-way K-shot episodes: a logistic regression on each episode's few images, all of them solved together."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import episodes, statistics
from loocbench.evaluators.subject import Subject
from loocbench.solvers.batched import fit_logistic_batch
from loocbench.types import Outcome

_AT_ONCE = 250  # episodes in memory


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """Metric top1: mean over episodes of the test split with its 95 % interval. Features are L2-normalised (Tian et al.
    2020), and the strength is the card's: an episode has no validation images."""
    (factor,) = card.labels
    (strength,) = card.protocol.lambdas
    protocol, features = card.protocol, F.normalize(subject.features("test"), dim=1)
    drawn = episodes.draw(
        subject.labels("test", factor).cpu().numpy(),
        ways=protocol.ways,
        shots=protocol.shots,
        queries=protocol.queries,
        count=protocol.trials,
        seed=subject.seed,
    )
    own = torch.arange(protocol.ways, device=features.device)
    values, certificate = [], 0.0
    for begin in range(0, protocol.trials, _AT_ONCE):
        support, asked = (
            torch.from_numpy(part[begin : begin + _AT_ONCE]).to(features.device).flatten(1)
            for part in (drawn.support, drawn.queries)
        )
        labels = own.repeat_interleave(protocol.shots).expand(len(support), -1)
        fitted = fit_logistic_batch(features[support], labels, strength, tolerance=protocol.tolerance)
        wanted = own.repeat_interleave(protocol.queries)
        values.append((fitted.predict(features[asked]) == wanted).double().mean(dim=1).cpu())
        certificate = max(certificate, float(fitted.certificate.max()))
    accuracies = np.concatenate(values)
    return Outcome(
        {"top1": statistics.trials(accuracies)},
        {"lambda": strength},
        certificate=certificate,
        draws=drawn.fingerprint,
        items={"top1": accuracies},
    )
