"""Measure one checkpoint on one task: features -> evaluator -> row, or the row that the store already has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from loocbench import files, provenance
from loocbench.cards.protocols import Evaluator
from loocbench.cards.tasks import TaskCard
from loocbench.data import catalog
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
from loocbench.evaluators.subject import Subject
from loocbench.features.encoder import Encoder
from loocbench.jobs.measurement import Measurement
from loocbench.pretraining.labels import model_label
from loocbench.records import store
from loocbench.types import Dataset, Items, Outcome, Row

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


def opened(card: TaskCard, data_dir: Path | None) -> tuple[Dataset, Dataset | None]:
    """The card's data set, and the other one that it names, if it does. Raises UserError."""
    other = catalog.open_dataset(card.elsewhere, data_dir) if card.elsewhere else None
    return catalog.open_dataset(card.dataset, data_dir), other


def row_of(measurement: Measurement, *, results: Path, suite: str, overwrite: bool) -> tuple[Row, Path]:
    """The stored row of this task, checkpoint, features and seed, measured now if there is none or on ``overwrite``.

    Raises UserError, before any work, for features that are not offered, for a stored row of other images or a file in
    its place that is no row, for names that are too long for a file, and for a store that cannot be written to.
    """
    measurement.encoder.parse(measurement.features_name)
    return stored_or(
        measurement,
        measurement.features_name,
        lambda: measure(measurement),
        results=results,
        suite=suite,
        overwrite=overwrite,
    )


def stored_or(
    measurement: Measurement,
    features: str,
    make: Callable[[], Row],
    *,
    results: Path,
    suite: str,
    overwrite: bool,
) -> tuple[Row, Path]:
    """The row that is stored for a measurement under the name ``features``, or the one that ``make`` gives, stored.

    Raises UserError as :func:`row_of` does.
    """
    encoder, card = measurement.encoder, measurement.card
    path = store.row_path(
        results,
        suite,
        encoder.card.name,
        encoder.card.weights,
        card.task,
        card.version,
        features,
        measurement.seed,
    )
    for name in (path.parent.name, path.name):
        if len(name.encode()) > store.MAX_NAME_BYTES:
            raise UserError(
                f"'{name[:40]}…' is too long for a file's name; shorten the checkpoint's name, or join fewer features."
            )
    kept = store.read_row(path) if path.exists() and not overwrite else None
    if kept is not None:
        size, precision = encoder.preprocessing.image_size, encoder.inference.precision
        found = reuse_error(kept, (measurement.dataset, measurement.other), image_size=size, precision=precision)
        if found or isinstance(kept, store.UnreadableRow):
            raise UserError(f"{path} {found}; --overwrite it, or name other --results.")
        measurement.info(f"measured before, kept: {path} (--overwrite measures again)")
        return kept, path
    files.require_writable(path.parent)
    row = make()
    if not store.write_row(path, row, overwrite=overwrite):
        measurement.info(f"another process measured it meanwhile, kept: {path} (--overwrite measures again)")
        other = store.read_row(path)
        row = other if isinstance(other, Row) else row
    return row, path


def reuse_error(
    kept: Row | store.UnreadableRow, data: tuple[Dataset, Dataset | None] | None, *, image_size: int, precision: str
) -> str:
    """Why what is in a row's place cannot stand for a measurement of now; nothing where it can.

    data: the task's data sets; None where they are not at hand to be compared.
    """
    if isinstance(kept, store.UnreadableRow):
        return f"is there, but {kept.reason}"
    if data and not _is_of(kept, *data):
        return f"was measured on other images of {kept.dataset}"
    if kept.image_size != image_size:  # an untrained network's weights do not depend on it
        return f"was measured at {kept.image_size} px"
    if kept.stated.get(PRECISION, "float32") != precision:
        return "was measured in another precision"
    return ""


def _is_of(row: Row, dataset: Dataset, other: Dataset | None) -> bool:
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


def measure(measurement: Measurement) -> Row:
    """Measure now, and store nothing."""
    card, encoder, dataset = measurement.card, measurement.encoder, measurement.dataset
    begin, extracted = time.perf_counter(), measurement.clock.seconds
    outcome = EVALUATORS[card.evaluator](card, measurement)
    total, extracted = time.perf_counter() - begin, measurement.clock.seconds - extracted
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
        model=model_label(encoder.card),
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
            "features": round(extracted, 3),
            "evaluator": round(total - extracted, 3),
        },
        versions=provenance.versions(),
        hardware=provenance.hardware(str(encoder.device)),
        created=provenance.now(),
    )


def _precision(encoder: Encoder) -> dict[str, str]:
    """What a row says of features that were not computed in float32."""
    return {} if encoder.inference.precision == "float32" else {PRECISION: encoder.inference.precision}


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
