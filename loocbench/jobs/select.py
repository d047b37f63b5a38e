"""Which space, or concatenation of spaces, a linear task is best read off: chosen on validation, tested once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from loocbench.evaluators import probing
from loocbench.features import spaces
from loocbench.jobs.measure import Measurement


@dataclass(frozen=True)
class Candidate:
    """Features by name, how many dimensions they have, and what a probe on them reaches on validation images."""

    features: str
    dim: int
    val_top1: float
    strength: float


def names(offered: Sequence[str]) -> list[str]:
    """V where there is one, and every combination of heads, of which all together are called ``looc++``."""
    heads = [name for name in offered if name.startswith(spaces.HEAD)]
    joined = ["+".join(chosen) for size in range(1, len(heads)) for chosen in combinations(heads, size)]
    return (
        [name for name in offered if name == spaces.LOOC]
        + joined
        + [name for name in offered if name == spaces.LOOC_PLUS]
    )


def candidates(measurement: Measurement) -> list[Candidate]:
    """Every combination's validation accuracy, the best first; of equal ones that with fewer dimensions, then the one
    named first. Test images are not touched."""
    card, found = measurement.card, []
    (factor,) = card.labels
    every = names(measurement.encoder.spaces)
    for number, name in enumerate(every, 1):
        part = replace(measurement, features_name=name)
        train, val = (probing.Labelled(part.blocks(split), part.labels(split, factor)) for split in ("train", "val"))
        choice = probing.choose(train, val, card.protocol.lambdas, card.protocol.tolerance)
        found.append(Candidate(name, train.features.shape[1], choice.accuracy, choice.strength))
        measurement.watcher.advance("combinations", number, len(every), name)
    return sorted(found, key=lambda one: (-one.val_top1, one.dim))
