"""Choice of the combination of spaces for a linear task: made on validation, tested once.

If there are fewer training images than dimensions, every combination is solved from the sum of its spaces' Gram
matrices, so that each space's features are read once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from operator import add
from pathlib import Path

from loocbench.evaluators import probing
from loocbench.evaluators.combinations import Products
from loocbench.evaluators.combinations import choose_strength as choose_from_products
from loocbench.exact_float32 import exact_float32
from loocbench.free_memory import free_memory
from loocbench.jobs.evaluation import load_or_measure, measure
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.settings import EvaluationSettings
from loocbench.models import spaces
from loocbench.models.spaces import GENERAL
from loocbench.solvers.blocks import Blocks
from loocbench.types import SELECTED, Row


@dataclass(frozen=True)
class Candidate:
    """A combination of spaces: name, dimension, validation accuracy, and the strength that gives it."""

    features: str
    dim: int
    val_top1: float
    strength: float


def list_combinations(offered: Sequence[str]) -> list[str]:
    """Return the general space, if offered, and every combination of heads; all heads together are ``looc++``."""
    heads = [name for name in offered if name.startswith(spaces.HEAD)]
    joined = ["+".join(chosen) for size in range(1, len(heads)) for chosen in combinations(heads, size)]
    return (
        [name for name in offered if name == spaces.LOOC]
        + joined
        + [name for name in offered if name == spaces.LOOC_PLUS]
    )


@exact_float32()
def list_candidates(measurement: Measurement) -> list[Candidate]:
    """Return every combination with its validation accuracy, best first, without using test images.

    Ties go to the lower dimension, then to the order of :func:`list_combinations`.
    """
    card = measurement.card
    (factor,) = card.labels
    labels = {split: measurement.labels(split, factor) for split in ("train", "val")}
    every, found = list_combinations(measurement.encoder.spaces), []
    parts = {name: measurement.encoder.parse(name) for name in every}
    singles = dict.fromkeys(part for name in every for part in parts[name])
    known: dict[str, Products] = {}

    def blocks_of(name: str) -> dict[str, Blocks]:
        return {split: replace(measurement, features_name=name).blocks(split) for split in labels}

    def products(part: str) -> Products:
        if part not in known:
            known[part] = Products.from_features(**blocks_of(_space_features(part)))
        return known[part]

    count, validated = len(labels["train"]), len(labels["val"])
    # The solver holds about eight N x N matrices besides those of the spaces and their sum.
    need = (len(singles) + 1) * Products.count_bytes(count, validated) + 8 * Products.count_bytes(count, 0)
    fits = need <= free_memory(measurement.device) // 2
    for number, name in enumerate(every, 1):
        features = blocks_of(name)
        dim = features["train"].shape[1]
        protocol = card.protocol.lambdas, card.protocol.tolerance
        if fits and count <= dim:
            total = reduce(add, map(products, parts[name]))
            choice = choose_from_products(total, labels["train"], labels["val"], *protocol)
        else:
            train, val = (probing.Labelled(features[split], labels[split]) for split in ("train", "val"))
            choice = probing.choose_strength(train, val, *protocol)
        found.append(Candidate(name, dim, choice.accuracy, choice.strength))
        measurement.reporter.update("combinations", number, len(every), name)
    return sorted(found, key=lambda one: (-one.val_top1, one.dim))


def load_or_select(
    measurement: Measurement, settings: EvaluationSettings, found: Sequence[Candidate] = ()
) -> tuple[Row, Path]:
    """Return the row of the combination that validation chooses, stored under the features ``selected``.

    Tables thus have one line for the chosen combinations of all tasks and seeds; each row states its own. found: the
    candidates, if known; otherwise they are searched, and the row's seconds include the search. Raises UserError as
    ``jobs.evaluation.load_or_measure`` does.
    """

    def make_row() -> Row:
        begin = time.perf_counter()
        best = (found or list_candidates(measurement))[0]
        seconds = {"selection": round(time.perf_counter() - begin, 3)}
        row = measure(replace(measurement, features_name=best.features))
        return row.model_copy(
            update={
                "features": SELECTED,
                "stated": {**row.stated, SELECTED: best.features},
                "seconds": {**seconds, **row.seconds},
            }
        )

    return load_or_measure(measurement, settings, stored_as=SELECTED, make_row=make_row)


def _space_features(part: str) -> str:
    """Return the name of the features that are one space alone."""
    return spaces.LOOC if part == GENERAL else spaces.HEAD + part
