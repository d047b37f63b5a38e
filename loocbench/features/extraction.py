"""Features of a split, extracted once and cached under a key made of everything that determines them."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from loocbench import files
from loocbench.changes import applying
from loocbench.changes.ranges import range_of
from loocbench.checkpoints import networks
from loocbench.data import preparing
from loocbench.errors import UserError
from loocbench.features.encoder import Encoder
from loocbench.types import UNCHANGED, Change, Dataset, Split
from loocbench.watching import Watcher

VERSION = 3  # raise it when the same images and weights give other features
BATCH = 128

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def extract(
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    *,
    change: Change = UNCHANGED,
    rows: Rows | None = None,
    cache: Path,
    watcher: Watcher,
) -> dict[str, Matrix]:
    """Every space's features of a split: name -> float32 [N, D], memory-mapped, in the split's order.

    change: what is done to the square crops before the network. rows: int64 [N], only these images of the split.
    Raises UserError for features that are not finite.
    """
    change, rows = _plainest(change, rows, len(split))
    kept = cache / "features"
    if rows is not None and (whole := kept / _key(encoder, dataset, split, change, None)).is_dir():
        return {name: np.array(matrix[rows]) for name, matrix in _load(whole).items()}
    folder = kept / _key(encoder, dataset, split, change, rows)
    if not folder.is_dir():
        with files.writing_folder(folder) as part:
            _fill(part, encoder, dataset, split, change, rows, cache, watcher)
    return _load(folder)


def _load(folder: Path) -> dict[str, Matrix]:
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def _plainest(change: Change, rows: Rows | None, count: int) -> tuple[Change, Rows | None]:
    """The same change and rows in one way: no turn at all is no change, and all rows are the split."""
    if change.name != UNCHANGED.name and not change.drawn and change.strength == range_of(change.name).nothing:
        change = replace(change, name=UNCHANGED.name, strength=UNCHANGED.strength)
    if change.name == UNCHANGED.name and not change.view:
        change = UNCHANGED
    return change, None if rows is None or np.array_equal(rows, np.arange(count)) else rows


def _fill(
    folder: Path,
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    change: Change,
    rows: Rows | None,
    cache: Path,
    watcher: Watcher,
) -> None:
    size = encoder.preprocessing
    images = preparing.prepare(dataset, split, size.resize, cache=cache, watcher=watcher)
    wanted = np.arange(len(images)) if rows is None else rows
    stage = f"features, {split.name}{_described(change)}"
    with ExitStack() as stack:
        outputs: dict[str, BinaryIO] = {}
        for begin in range(0, len(wanted), BATCH):
            part = wanted[begin : begin + BATCH]
            crops = applying.apply(images.center_crops(part, size.image_size), change, part.tolist())
            for name, values in encoder.all_spaces(crops).items():
                if not values.isfinite().all():
                    raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")
                if name not in outputs:
                    outputs[name] = stack.enter_context((folder / f"{name}.npy").open("wb"))
                    header = {"descr": "<f4", "fortran_order": False, "shape": (len(wanted), values.shape[1])}
                    np.lib.format.write_array_header_1_0(outputs[name], header)
                # Written, not memory-mapped: on a full disk a write is an error, a mapped page a killed process.
                outputs[name].write(values.float().cpu().numpy().astype("<f4").tobytes())
            watcher.advance(stage, begin + len(part), len(wanted))


def _described(change: Change) -> str:
    """ ", hue 30", or nothing."""
    if change == UNCHANGED:
        return ""
    amount = "" if change.name == UNCHANGED.name else f" {'drawn' if change.drawn else f'{change.strength:g}'}"
    view = f", view {change.view}" if change.view else ""
    return f", {change.name}{amount}{view}"


def _key(encoder: Encoder, dataset: Dataset, split: Split, change: Change, rows: Rows | None) -> str:
    identity = {
        "version": VERSION,
        "weights": encoder.card.weights,
        "network": networks.identity(encoder.card),
        "preprocessing": encoder.preprocessing.model_dump(),
        "content": dataset.content(split.items),
        "items": split.items,
        "change": [applying.VERSION, *astuple(change)] if change != UNCHANGED else [],
        "rows": None if rows is None else rows.tolist(),
        "device": encoder.device.type,  # rounding differs between devices
        "dtype": "float32",
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
