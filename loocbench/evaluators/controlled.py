"""Controlled retrieval: is an image nearer to its own copy than to its recoloured or rotated copy? Needs no labels.

Each image gives a query (the centre crop), a copy (another crop, perhaps mirrored) and a changed copy (a third crop,
changed by a known amount); the copies of all other images are distractors. A representation that ignores the change
cannot tell the two copies apart and keeps half of the triples; one that kept the information keeps them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from loocbench.changes.ranges import get_range
from loocbench.evaluators.task_kind import Changes, Count, TaskKind
from loocbench.types import Change, Frozen, Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from loocbench.evaluators.task_data import TaskData

_COPY, _CHANGED = 1, 2  # numbers of the random views
_ROUNDING = 1e-12  # of cosines in float64: nearer ones are equal


class ControlledProtocol(Frozen):
    """changes: names of the changes of the changed copies. images: the most test images to use."""

    changes: Annotated[Changes, Field(min_length=1)]
    images: Count


class Controlled(TaskKind[ControlledProtocol]):
    """Controlled retrieval, two metrics per change, averaged over its strengths.

    CHANGE_kept: share of triples (query, copy, changed copy) in which the copy is nearer, ties counting half.
    CHANGE_first: share of queries whose nearest image of all is their own copy, which of k nearest ones counts 1 / k.
    curve: both by strength. So features that are the same for all images are at chance.
    """

    name = "controlled"
    protocol = ControlledProtocol
    label_use = "none"

    def metrics(self, protocol: ControlledProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return two names per change."""
        return tuple(f"{change}_{name}" for change in protocol.changes for name in ("kept", "first"))

    def headline(self, protocol: ControlledProtocol, labels: Sequence[str]) -> str:
        """Return the first change's CHANGE_kept."""
        return f"{protocol.changes[0]}_kept"

    def evaluate(self, protocol: ControlledProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Compare cosines between queries, copies and changed copies of the same drawn test images."""
        import torch
        from torch.nn import functional as F

        from loocbench.evaluators import episode_sampling, probing, sampling, statistics

        rows = sampling.sample_rows(len(data.items("test")), protocol.images, seed=data.seed)

        def unit(change: Change) -> Tensor:
            return F.normalize(data.features("test", change=change, rows=rows).double(), dim=1)

        queries, copies = unit(Change()), unit(Change(view=_COPY, seed=data.seed))
        own = (queries * copies).sum(dim=1)
        distractors = queries @ copies.T - own[:, None]  # cosines less that of the query's own copy
        distractors.fill_diagonal_(-torch.inf)
        beaten = (distractors > _ROUNDING).any(dim=1)
        equal = (distractors.abs() <= _ROUNDING).sum(dim=1)
        items: dict[str, np.ndarray] = {}
        curve = []
        for name in protocol.changes:
            kept, first = [], []
            for strength in get_range(name).strengths:
                changed = (queries * unit(Change(name, strength, view=_CHANGED, seed=data.seed))).sum(dim=1)
                nearer, tied = own - changed > _ROUNDING, (own - changed).abs() <= _ROUNDING
                kept.append(nearer.double() + tied.double() / 2)
                first.append(((nearer | tied) & ~beaten).double() / (1 + equal + tied))
                curve.append({name: strength, "kept": float(kept[-1].mean()), "first": float(first[-1].mean())})
            items |= {f"{name}_kept": probing.mean_per_image(kept), f"{name}_first": probing.mean_per_image(first)}
        chance = {f"{name}_{kind}": value for name in protocol.changes for kind, value in _chance(len(rows)).items()}
        return Outcome(
            {name: statistics.bootstrap_mean(values, seed=data.seed) for name, values in items.items()},
            curve=curve,
            draws=episode_sampling.hash_rows(rows),
            items=items,
            scale={"random": chance, "oracle": dict.fromkeys(chance, 1.0)},
        )


def _chance(images: int) -> dict[str, float]:
    return {"kept": 0.5, "first": 1 / (images + 1)}


KIND = Controlled()
