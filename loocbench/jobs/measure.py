"""Measure one checkpoint on one task: features -> evaluator -> row, or the row that the store already has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from loocbench import files, provenance
from loocbench.cards.protocols import Evaluator
from loocbench.cards.tasks import TaskCard
from loocbench.data import catalog, preparing
from loocbench.data.prepared import PreparedImages, center_square
from loocbench.errors import UserError
from loocbench.evaluators import (
    controlled,
    episodic,
    few_shot,
    knn,
    linear,
    retrieval,
    robustness,
    rotation,
    sensitivity,
)
from loocbench.evaluators.subject import Rows, Subject
from loocbench.features import augmented, extraction, stored
from loocbench.features.encoder import Encoder
from loocbench.records import store
from loocbench.solvers.blocks import Blocks
from loocbench.types import UNCHANGED, Change, Dataset, Items, Mask, Outcome, Pixels, Row
from loocbench.watching import Watcher

T = TypeVar("T")
EVALUATORS: dict[Evaluator, Callable[[TaskCard, Subject], Outcome]] = {
    "linear": linear.evaluate,
    "knn": knn.evaluate,
    "few-shot": few_shot.evaluate,
    "episodes": episodic.evaluate,
    "rotation": rotation.evaluate,
    "retrieval": retrieval.evaluate,
    "controlled": controlled.evaluate,
    "robustness": robustness.evaluate,
    "sensitivity": sensitivity.evaluate,
}

PRECISION = "precision"


@dataclass
class Clock:
    """Adds up the seconds of what it is told to watch."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Of a block of code."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begin

    def of_each(self, made: Iterator[T]) -> Iterator[T]:
        """Of making each of some things, and not of what is done with them."""
        while True:
            with self.running():
                one = next(made, None)
            if one is None:
                return
            yield one


@dataclass
class Measurement:
    """One task on one checkpoint's features: the ``Subject`` of its evaluator. other: the card's ``elsewhere``.

    clock: how long its features took.
    """

    card: TaskCard
    encoder: Encoder
    dataset: Dataset
    features_name: str
    seed: int
    cache: Path
    watcher: Watcher
    other: Dataset | None = None
    clock: Clock = field(default_factory=Clock)
    _prepared: dict[str, PreparedImages] = field(default_factory=dict)

    def features(self, split: str, *, change: Change = UNCHANGED, rows: Rows | None = None) -> Tensor:
        """Features float32 [N, D] of a split, from the cache or extracted now, on the encoder's device."""
        parts = self._parts(split, change, rows)
        return torch.from_numpy(np.concatenate(parts, axis=1)).to(self.device)

    def blocks(self, split: str, *, change: Change = UNCHANGED) -> Blocks:
        """The same features, read from the cache's memory-mapped files a block at a time."""
        return Blocks.of_mapped(self._parts(split, change, None), self.device)

    def augmented(self, splits: Sequence[str], *, epoch: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Features of random crops of the images of some splits, in an order drawn for ``epoch``."""
        parts = [self._images(split) for split in splits]
        return self.clock.of_each(
            augmented.epoch_of(
                self.encoder,
                parts,
                self.features_name,
                seed=self.seed,
                epoch=epoch,
                batch_size=batch_size,
                say=self.watcher.say,
            )
        )

    @property
    def device(self) -> torch.device:
        """The encoder's."""
        return self.encoder.device

    def _parts(self, split: str, change: Change, rows: Rows | None) -> list[stored.Matrix]:
        """The spaces that the features concatenate, memory-mapped, extracted now if need be."""
        with self.clock.running():
            every = extraction.extract(
                self.encoder,
                self.dataset,
                self.dataset.splits[split],
                change=change,
                rows=rows,
                cache=self.cache,
                watcher=self.watcher,
            )
        return [every[part] for part in self.encoder.parse(self.features_name)]

    def labels(self, split: str, factor: str) -> Tensor:
        """Labels int64 [N] of a split."""
        return torch.from_numpy(self.dataset.splits[split].labels[factor]).to(self.encoder.device)

    def factors(self, split: str) -> Sequence[str]:
        """Which labels the split has."""
        return list(self.dataset.splits[split].labels)

    def names(self, split: str, factor: str) -> Sequence[str]:
        """The names of a factor's labels."""
        return self.dataset.splits[split].class_names[factor]

    def items(self, split: str) -> Sequence[str]:
        """The images' names."""
        return self.dataset.splits[split].items

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """What the network sees of some images of a split: uint8 [len(rows), 3, S, S]."""
        return self._images(split).center_crops(rows, self.encoder.preprocessing.image_size).numpy()

    @property
    def foreground(self) -> str:
        """What the thing itself is known from in these images."""
        return self.dataset.foreground.kind if self.dataset.foreground else ""

    def masks(self, split: str, rows: Sequence[int]) -> Mask:
        """Where the thing itself is in the crops of some images: bool [len(rows), S, S]."""
        if self.dataset.foreground is None:
            raise ValueError(f"{self.dataset.name} ships neither masks nor boxes")
        items, size = self.items(split), self.encoder.preprocessing.image_size
        masks = self.dataset.foreground.masks([items[row] for row in rows], self._images(split).sizes(rows))
        return np.stack([center_square(mask, size) for mask in masks])

    def elsewhere(self) -> Measurement:
        """The same features on the card's other data set."""
        if self.other is None:
            raise ValueError(f"{self.card.task} names no other data set")
        return replace(self, dataset=self.other, other=None, _prepared={})

    def _images(self, split: str) -> PreparedImages:
        if split not in self._prepared:
            of, resize = self.dataset.splits[split], self.encoder.preprocessing.resize
            self._prepared[split] = preparing.prepare(self.dataset, of, resize, cache=self.cache, watcher=self.watcher)
        return self._prepared[split]

    def say(self, message: str) -> None:
        """One line for the user."""
        self.watcher.say(message)


def opened(card: TaskCard, data_dir: Path | None) -> tuple[Dataset, Dataset | None]:
    """The card's data set, and the other one that it names, if it does. Raises UserError."""
    other = catalog.open_dataset(card.elsewhere, data_dir) if card.elsewhere else None
    return catalog.open_dataset(card.dataset, data_dir), other


def row_of(measurement: Measurement, *, results: Path, suite: str, overwrite: bool) -> tuple[Row, Path]:
    """The stored row of this task, checkpoint, features and seed, measured now if there is none or on ``overwrite``.

    Raises UserError, before any work, for features that are not offered, for a stored row of other images or a file in
    its place that is no row, for names that are too long for a file, and for a store that cannot be written to.
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
    for name in (path.parent.name, path.name):
        if len(name.encode()) > store.LONGEST:
            raise UserError(
                f"'{name[:40]}…' is too long for a file's name; shorten the checkpoint's name, or join fewer features."
            )
    kept = store.read(path) if path.exists() and not overwrite else None
    if isinstance(kept, store.Torn):
        raise UserError(f"{path} is there, but {kept.reason}; --overwrite it, or name a --suite.")
    if kept is not None:
        if not is_of(kept, measurement.dataset, measurement.other):
            raise UserError(
                f"{path} was measured on other images of {kept.dataset}; --overwrite it, or name a --suite."
            )
        if kept.stated.get(PRECISION, "float32") != encoder.engine.precision:
            raise UserError(f"{path} was measured in another precision; --overwrite it, or name a --suite.")
        measurement.say(f"measured before, kept: {path} (--overwrite measures again)")
        return kept, path
    files.require_writable(path.parent)
    row = _measure(measurement)
    if not store.save(path, row, overwrite=overwrite):
        measurement.say(f"another process measured it meanwhile, kept: {path} (--overwrite measures again)")
        other = store.read(path)
        row = other if isinstance(other, Row) else row
    return row, path


def is_of(row: Row, dataset: Dataset, other: Dataset | None) -> bool:
    """Whether a row was measured on these images, and where it speaks of their foreground, on this one."""
    stated = row.stated.get(retrieval.FOREGROUND)
    return (row.fingerprints, row.edition) == (_fingerprints(dataset, other), _edition(dataset, other)) and (
        stated is None or stated == retrieval.foreground_of(dataset.foreground.kind if dataset.foreground else "")
    )


def rows_of(
    measurement: Measurement, features: Sequence[str], *, results: Path, suite: str, overwrite: bool
) -> list[tuple[Row, Path]]:
    """:func:`row_of` for several features; all names are looked at before any work."""
    for name in features:
        measurement.encoder.parse(name)
    parts = [replace(measurement, features_name=name.replace(" ", "")) for name in features]
    return [row_of(part, results=results, suite=suite, overwrite=overwrite) for part in parts]


def _measure(measurement: Measurement) -> Row:
    card, encoder, dataset = measurement.card, measurement.encoder, measurement.dataset
    begin = time.perf_counter()
    outcome = EVALUATORS[card.evaluator](card, measurement)
    total = time.perf_counter() - begin
    return Row(
        task=card.task,
        task_version=card.version,
        dataset=dataset.name,
        dataset_note=_note(measurement),
        skipped=tuple(item for one in _datasets(measurement) for item in one.skipped),
        fingerprints=_fingerprints(dataset, measurement.other),
        edition=_edition(dataset, measurement.other),
        features=measurement.features_name,
        checkpoint=encoder.card.name,
        checkpoint_hash=encoder.card.weights,
        model=encoder.card.label,
        pretrained_on=encoder.card.dataset,
        pretraining_note=encoder.card.dataset_note,
        pretraining_fingerprint=encoder.card.fingerprint,
        epochs=encoder.card.epochs,
        recipe=encoder.card.recipe,
        backbone=encoder.card.backbone,
        image_size=encoder.preprocessing.image_size,
        source=str(encoder.card.source or ""),
        seed=measurement.seed,
        metrics=dict(outcome.metrics),
        items={name: Items.of(values) for name, values in outcome.items.items() if len(values)},
        chosen=dict(outcome.chosen),
        curve=[dict(point) for point in outcome.curve],
        certificate=outcome.certificate,
        draws=outcome.draws,
        scale={name: dict(values) for name, values in outcome.scale.items()},
        stated=dict(outcome.stated) | _precision(encoder),
        seconds={
            "features": round(measurement.clock.seconds, 3),
            "evaluator": round(total - measurement.clock.seconds, 3),
        },
        versions=provenance.versions(),
        hardware=provenance.hardware(str(encoder.device)),
        created=provenance.now(),
    )


def _precision(encoder: Encoder) -> dict[str, str]:
    """What a row says of features that were not computed in float32."""
    return {} if encoder.engine.precision == "float32" else {PRECISION: encoder.engine.precision}


def _datasets(measurement: Measurement) -> list[Dataset]:
    return [measurement.dataset, *([measurement.other] if measurement.other else [])]


def _note(measurement: Measurement) -> str:
    """What sets the copies apart from the official ones; of two data sets, whose note it is."""
    notes = [(one.name, one.note) for one in _datasets(measurement) if one.note]
    return "; ".join(f"{name}: {note}" if measurement.other else note for name, note in notes)


def _fingerprints(dataset: Dataset, other: Dataset | None) -> dict[str, str]:
    """By split; those of a second data set with its name before them."""
    own = {name: split.fingerprint for name, split in dataset.splits.items()}
    return own | ({f"{other.name} {name}": split.fingerprint for name, split in other.splits.items()} if other else {})


def _edition(dataset: Dataset, other: Dataset | None) -> str:
    return "; ".join(one.edition() for one in (dataset, other) if one)
