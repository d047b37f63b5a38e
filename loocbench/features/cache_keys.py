"""What determines the features of a split, as the key of their entry, and what the entry says of itself."""

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
    """The same change and rows in one way: no turn at all is no change, and all rows are the split."""
    if change.name != UNCHANGED.name and not change.drawn and change.strength == get_range(change.name).nothing:
        change = replace(change, name=UNCHANGED.name, strength=UNCHANGED.strength)
    if change.name == UNCHANGED.name and not change.view:
        change = UNCHANGED
    return change, None if rows is None or np.array_equal(rows, np.arange(count)) else rows


def identity(encoder: Encoder, dataset: Dataset, split: Split, change: Change, rows: Rows | None) -> dict[str, Any]:
    """All that determines the features beside the engine's numerics."""
    return {
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
    }


def key(determined: dict[str, Any], numerics: str) -> str:
    """The entry's name: a hash of an :func:`identity` and of the numerics that were used."""
    return hashlib.sha256(json.dumps([determined, numerics], sort_keys=True).encode()).hexdigest()[:32]


def about(
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    change: Change,
    rows: Rows | None,
    numerics: str,
    dims: dict[str, int],
) -> dict[str, Any]:
    """What a person wants to know of an entry. Nothing of the moment: equal features are equal files."""
    return {
        "dataset": dataset.name,
        "split": split.name,
        "change": described(change).removeprefix(", "),
        "checkpoint": encoder.card.name,
        "model": model_label(encoder.card),
        "weights": encoder.card.weights,
        "images": len(split) if rows is None else len(rows),
        **({} if rows is None else {"rows": rows.tolist()}),
        "spaces": dims,
        "numerics": f"{numerics}, {encoder.device.type}",
    }


def described(change: Change) -> str:
    """ ", hue 30", or nothing."""
    if change == UNCHANGED:
        return ""
    amount = "" if change.name == UNCHANGED.name else f" {'drawn' if change.drawn else f'{change.strength:g}'}"
    view = f", view {change.view}" if change.view else ""
    return f", {change.name}{amount}{view}"
