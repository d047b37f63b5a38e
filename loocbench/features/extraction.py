"""Features of a split, extracted once and cached under a key made of everything that determines them."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from loocbench import files
from loocbench.data import preparing
from loocbench.features.encoder import Encoder
from loocbench.types import Dataset, Split
from loocbench.watching import Watcher

VERSION = 1  # raise it when the same images and weights give other features
BATCH = 128

Matrix = npt.NDArray[np.float32]


def extract(
    encoder: Encoder, dataset: Dataset, split: Split, *, turns: int, cache: Path, watcher: Watcher
) -> dict[str, Matrix]:
    """Every space's features of a split: name -> float32 [N, D], memory-mapped, in the split's order.

    turns: exact quarter turns (anticlockwise) of the square crop before the network.
    """
    key = _key(encoder, dataset, split, turns)
    folder = cache / "features" / key
    if not folder.is_dir():
        with files.writing_folder(folder) as part:
            _fill(part, encoder, dataset, split, turns, cache, watcher)
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def _fill(
    folder: Path, encoder: Encoder, dataset: Dataset, split: Split, turns: int, cache: Path, watcher: Watcher
) -> None:
    size = encoder.preprocessing
    images = preparing.prepare(dataset, split, size.resize, cache=cache, watcher=watcher)
    stage = f"features, {split.name}" + (f" turned by {90 * turns}°" if turns else "")
    with ExitStack() as stack:
        outputs: dict[str, BinaryIO] = {}
        for begin in range(0, len(images), BATCH):
            rows = np.arange(begin, min(begin + BATCH, len(images)))
            crops = torch.rot90(images.center_crops(rows, size.image_size), turns, (2, 3))
            for name, values in encoder.all_spaces(crops).items():
                if name not in outputs:
                    outputs[name] = stack.enter_context((folder / f"{name}.npy").open("wb"))
                    header = {"descr": "<f4", "fortran_order": False, "shape": (len(images), values.shape[1])}
                    np.lib.format.write_array_header_1_0(outputs[name], header)
                # Written, not memory-mapped: on a full disk a write is an error, a mapped page a killed process.
                outputs[name].write(values.float().cpu().numpy().astype("<f4").tobytes())
            watcher.advance(stage, int(rows[-1]) + 1, len(images))


def _key(encoder: Encoder, dataset: Dataset, split: Split, turns: int) -> str:
    identity = {
        "version": VERSION,
        "weights": encoder.card.weights,
        "network": encoder.card.recipe.model_dump(include={"method", "backbone", "left_out"}),
        "preprocessing": encoder.preprocessing.model_dump(),
        "content": dataset.content(split.items),
        "items": split.items,
        "turns": turns,
        "device": encoder.device.type,  # rounding differs between devices
        "dtype": "float32",
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
