"""Which features are cached under which key: a hash of everything that determines them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from loocbench.changes import applying
from loocbench.changes.ranges import get_range
from loocbench.checkpoints import networks
from loocbench.features.encoder import Encoder
from loocbench.pretraining.labels import model_label
from loocbench.types import UNCHANGED, Change, Dataset, Split

VERSION = 4  # raise it when the same images and weights give other features

Rows = npt.NDArray[np.int64]


def canonical(change: Change, rows: Rows | None, count: int) -> tuple[Change, Rows | None]:
    """Equal requests in equal form: a change of no strength is UNCHANGED, and all ``count`` rows are None."""
    if change.name != UNCHANGED.name and not change.drawn and change.strength == get_range(change.name).nothing:
        change = replace(change, name=UNCHANGED.name, strength=UNCHANGED.strength)
    if change.name == UNCHANGED.name and not change.view:
        change = UNCHANGED
    return change, None if rows is None or np.array_equal(rows, np.arange(count)) else rows


def features_key(encoder: Encoder, dataset: Dataset, split: Split, change: Change, rows: Rows | None) -> str:
    """The key of a split's features, which nothing but equal features share: hexadecimal, 64 digits."""
    determined = {
        "version": VERSION,
        "weights": encoder.card.weights,
        "network": networks.cache_identity(encoder.card),
        "preprocessing": encoder.preprocessing.model_dump(),
        "content": dataset.content(split.items),
        "items": split.items,
        "change": [applying.VERSION, *astuple(change)] if change != UNCHANGED else [],
        "rows": None if rows is None else rows.tolist(),
        "device": encoder.device.type,  # rounding differs between devices
        "torch": torch.__version__,
        **({"inside": encoder.parts} if encoder.parts else {}),
    }
    text = json.dumps([determined, encoder.inference.numerics], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def describe_features(
    encoder: Encoder, dataset: Dataset, split: Split, change: Change, rows: Rows | None, dims: dict[str, int]
) -> dict[str, Any]:
    """The description in a file of features (:mod:`loocbench.cache.descriptions`). dims: each space's width."""
    return {
        "kind": "features",
        "dataset": dataset.name,
        "split": split.name,
        "change": format_change(change),
        "checkpoint": encoder.card.name,
        "model": model_label(encoder.card),
        "weights": encoder.card.weights,
        "images": len(split) if rows is None else len(rows),
        **({} if rows is None else {"rows": rows.tolist()}),
        "spaces": dims,
        "numerics": f"{encoder.inference.numerics}, {encoder.device.type}",
    }


def format_change(change: Change) -> str:
    """Returns "hue 30", "hue drawn, view 1", or "" for no change."""
    if change == UNCHANGED:
        return ""
    amount = "" if change.name == UNCHANGED.name else f" {'drawn' if change.drawn else f'{change.strength:g}'}"
    view = f", view {change.view}" if change.view else ""
    return f"{change.name}{amount}{view}"
