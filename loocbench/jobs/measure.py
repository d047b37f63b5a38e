"""Measure one checkpoint on one task: features -> evaluator -> row, or the row that the store already has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loocbench import files, provenance
from loocbench.cards.tasks import Evaluator, TaskCard
from loocbench.data import preparing
from loocbench.errors import UserError
from loocbench.evaluators import episodic, few_shot, knn, linear, retrieval, rotation
from loocbench.evaluators.subject import Subject
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.records import store
from loocbench.solvers.blocks import Blocks
from loocbench.types import Dataset, Outcome, Pixels, Row
from loocbench.watching import Watcher

EVALUATORS: dict[Evaluator, Callable[[TaskCard, Subject], Outcome]] = {
    "linear": linear.evaluate,
    "knn": knn.evaluate,
    "few-shot": few_shot.evaluate,
    "episodes": episodic.evaluate,
    "rotation": rotation.evaluate,
    "retrieval": retrieval.evaluate,
}


@dataclass
class Measurement:
    """One task on one checkpoint's features; the ``Subject`` that its evaluator sees."""

    card: TaskCard
    encoder: Encoder
    dataset: Dataset
    features_name: str
    seed: int
    cache: Path
    watcher: Watcher
    extract_seconds: float = 0.0

    def features(self, split: str, *, turns: int = 0) -> Tensor:
        """Features float32 [N, D] of a split, from the cache or extracted now, on the encoder's device."""
        parts = self._parts(split, turns)
        return torch.from_numpy(np.concatenate(parts, axis=1)).to(self.device)

    def blocks(self, split: str, *, turns: int = 0) -> Blocks:
        """The same features, read from the cache's memory-mapped files a block at a time."""
        return Blocks.of_mapped(self._parts(split, turns), self.device)

    @property
    def device(self) -> torch.device:
        """The encoder's."""
        return self.encoder.device

    def _parts(self, split: str, turns: int) -> list[extraction.Matrix]:
        """The spaces that the features concatenate, memory-mapped, extracted now if need be."""
        begin = time.perf_counter()
        every = extraction.extract(
            self.encoder,
            self.dataset,
            self.dataset.splits[split],
            turns=turns,
            cache=self.cache,
            watcher=self.watcher,
        )
        self.extract_seconds += time.perf_counter() - begin
        return [every[part] for part in self.encoder.parse(self.features_name)]

    def labels(self, split: str, factor: str) -> Tensor:
        """Labels int64 [N] of a split."""
        return torch.from_numpy(self.dataset.splits[split].labels[factor]).to(self.encoder.device)

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """What the network sees of some images of a split: uint8 [len(rows), 3, S, S]."""
        size = self.encoder.preprocessing
        images = preparing.prepare(
            self.dataset,
            self.dataset.splits[split],
            size.resize,
            cache=self.cache,
            watcher=self.watcher,
        )
        return images.center_crops(rows, size.image_size).numpy()

    def say(self, message: str) -> None:
        """One line for the user."""
        self.watcher.say(message)


def row_of(measurement: Measurement, *, results: Path, suite: str, overwrite: bool) -> tuple[Row, Path]:
    """The stored row of this task, checkpoint, features and seed, measured now if there is none or on ``overwrite``.

    Raises UserError, before any work, for features that are not offered, for a stored row of other images,
    and for a store that cannot be written to.
    """
    encoder, card = measurement.encoder, measurement.card
    encoder.parse(measurement.features_name)
    path = store.locate(
        results,
        suite,
        encoder.card.name,
        encoder.card.weights,
        card.task,
        card.version,
        measurement.features_name,
        measurement.seed,
    )
    kept = store.read(path) if path.exists() and not overwrite else None
    if isinstance(kept, Row):
        dataset = measurement.dataset
        if (kept.fingerprints, kept.edition) != (_fingerprints(dataset), dataset.edition()):
            raise UserError(
                f"{path} was measured on other images of {dataset.name}; --overwrite it, or name a --suite."
            )
        measurement.say(f"measured before, kept: {path} (--overwrite measures again)")
        return kept, path
    files.require_writable(path.parent)
    row = _measure(measurement)
    store.save(path, row)
    return row, path


def _measure(measurement: Measurement) -> Row:
    card, encoder, dataset = measurement.card, measurement.encoder, measurement.dataset
    begin = time.perf_counter()
    outcome = EVALUATORS[card.evaluator](card, measurement)
    total = time.perf_counter() - begin
    return Row(
        task=card.task,
        task_version=card.version,
        dataset=dataset.name,
        dataset_note=dataset.note,
        skipped=dataset.skipped,
        fingerprints=_fingerprints(dataset),
        edition=dataset.edition(),
        features=measurement.features_name,
        checkpoint=encoder.card.name,
        checkpoint_hash=encoder.card.weights,
        model=encoder.card.label,
        pretrained_on=encoder.card.dataset,
        pretraining_note=encoder.card.dataset_note,
        pretraining_fingerprint=encoder.card.fingerprint,
        epochs=encoder.card.epochs_done,
        recipe=encoder.card.recipe,
        seed=measurement.seed,
        metrics=dict(outcome.metrics),
        chosen=dict(outcome.chosen),
        curve=[dict(point) for point in outcome.curve],
        certificate=outcome.certificate,
        draws=outcome.draws,
        scale={name: dict(values) for name, values in outcome.scale.items()},
        stated=dict(outcome.stated),
        seconds={
            "features": round(measurement.extract_seconds, 3),
            "evaluator": round(total - measurement.extract_seconds, 3),
        },
        versions=provenance.versions(),
        hardware=provenance.hardware(str(encoder.device)),
        created=provenance.now(),
    )


def _fingerprints(dataset: Dataset) -> dict[str, str]:
    return {name: split.fingerprint for name, split in dataset.splits.items()}
