"""Evaluation of one checkpoint on one task: open it, reuse the stored row or measure and store one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from loocbench import files, provenance
from loocbench.cards.limits import limit_task
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints.requirements import describe_missing_plugins
from loocbench.errors import UserError
from loocbench.evaluators.sampling import sample_rows
from loocbench.evaluators.spread import describe_constant
from loocbench.exact_float32 import exact_float32
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.reuse import PRECISION, Wanted, list_fingerprints, make_conditions, name_edition, reuse_error
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.models import inside_names, spaces
from loocbench.models.preprocessing import describe_assumptions
from loocbench.plugins import in_use
from loocbench.pretraining.labels import model_label
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.records.summary import describe_kept
from loocbench.types import ASSUMED, CONSTANT, LEARNING, Dataset, Items, Row

_LOOKED_AT = 1000  # images, as many as tasks with changed images draw at most


def evaluate_task(
    card: TaskCard,
    checkpoint: str | None,
    features: str | None,
    settings: EvaluationSettings,
    reporter: Reporter | None = None,
) -> tuple[Row, Path, Measurement]:
    """Return the row of a task on a checkpoint's features, the path that it is stored at, and the opened task.

    checkpoint: default the newest run. features: default those that its method is evaluated on. Raises UserError.
    """
    measurement = open_task(card, checkpoint, features, Session(settings, reporter))
    row, path = load_or_measure(measurement, settings)
    return row, path, measurement


def open_task(card: TaskCard, checkpoint: str | None, features: str | None, session: Session) -> Measurement:
    """Open a task on a checkpoint (default: the newest run), and tell the user which it is.

    Its images are limited as the session's settings say.
    """
    card = limit_task(card, session.settings.limit or 0)
    session.open_datasets(card)  # missing data are reported before a checkpoint is downloaded
    found = session.load_checkpoint(checkpoint)
    measurement = session.open_task(card, found, features)
    dataset, label = measurement.dataset, model_label(measurement.encoder.card)
    note = f" ({dataset.note})" if dataset.note else ""
    measurement.info(f"{card.title}{note}: {label}, features {measurement.features_name}, checkpoint {found.where}")
    recipe = found.card.recipe
    if recipe and found.card.epochs_done < recipe.epochs:
        measurement.info(f"The checkpoint is that of epoch {found.card.epochs_done} of {recipe.epochs}.")
    if missing := describe_missing_plugins(found.card):
        measurement.info(f"It was made with a plug-in that is not in use and that features do not need: {missing}.")
    for statement, figures in found.card.warnings.items():
        measurement.info(f"When it was pretrained {statement} ({figures}).")
    return measurement


def load_or_measure(
    measurement: Measurement,
    settings: EvaluationSettings,
    *,
    stored_as: str = "",
    make_row: Callable[[], Row] | None = None,
) -> tuple[Row, Path]:
    """Return the stored row of this task, checkpoint, features and seed, measuring it if there is none.

    stored_as: the name of the features in the row; default the measurement's. make_row: default :func:`measure`. Raises
    UserError, before any work, for a stored row that cannot be reused, for names that are too long for a file, and for
    a folder of results that cannot be written to.
    """
    path = measurement_path(measurement, settings, stored_as or measurement.features_name)
    for name in (path.parent.name, path.name):
        if len(name.encode()) > store.MAX_NAME_BYTES:
            raise UserError(
                f"'{name[:40]}…' is too long for a file's name; shorten the checkpoint's name, or join fewer features."
            )
    kept = store.read_row(path) if path.exists() and not settings.overwrite else None
    if kept is not None:
        row = _require_reusable(kept, path, measurement, stored_as)
        measurement.info(describe_kept(path))
        return row, path
    if not settings.overwrite and (
        former := _find_former_row(measurement, path, stored_as or measurement.features_name)
    ):
        measurement.info(describe_kept(former[1]))
        return former
    files.require_writable(path.parent)
    row = make_row() if make_row else measure(measurement)
    if not store.write_row(path, row, overwrite=settings.overwrite):
        measurement.info(f"another process measured it meanwhile, kept: {path} (--overwrite measures again)")
        row = _require_reusable(store.read_row(path), path, measurement, stored_as)
    return row, path


def _require_reusable(kept: Row | store.UnreadableRow, path: Path, measurement: Measurement, stored_as: str) -> Row:
    """Return a stored row that stands for a measurement of now. Raises UserError for any other."""
    error = reuse_error(kept, _wanted(measurement, stored_as or measurement.features_name))
    if error or isinstance(kept, store.UnreadableRow):
        raise UserError(f"{path} {error}; --overwrite it, or name other --results.")
    return kept


def evaluate_every(
    measurement: Measurement, features: Sequence[str] | None, settings: EvaluationSettings
) -> list[tuple[Row, Path]]:
    """Return the rows of several features, by :func:`load_or_measure`; all names are checked before any work.

    features: None for every space alone; "every-block" stands for all blocks or stages.
    """
    encoder = measurement.encoder
    features = inside_names.expand_depth(features or encoder.spaces, encoder.inside)
    measurement = replace(measurement, encoder=encoder.reading(features))  # what is inside in one pass
    names = map(spaces.canonical_feature_name, features)
    return [load_or_measure(replace(measurement, features_name=name), settings) for name in names]


def measurement_path(measurement: Measurement, settings: EvaluationSettings, features: str) -> Path:
    """Return the path of a measurement's row under the name ``features``."""
    card, task = measurement.encoder.card, measurement.card
    return store.row_path(
        settings.results, settings.suite, card.name, card.weights, task.task, task.version, features, measurement.seed
    )


def _describe_constant(measurement: Measurement) -> str:
    """Return in words that test images have the same features; looks at those that tasks draw, which are cached."""
    rows = sample_rows(len(measurement.items("test")), _LOOKED_AT, seed=measurement.seed)
    return describe_constant(measurement.features("test", rows=rows))


def _find_former_row(measurement: Measurement, path: Path, features: str) -> tuple[Row, Path] | None:
    """Return the row that stands for ``path`` under its task's former name, and where it is; None without one.

    Several folders shared such a name, so that a row of another one is no obstacle.
    """
    card = measurement.card
    if not card.former_task:
        return None
    former = path.with_name(path.name.replace(card.task.replace("/", "-"), card.former_task.replace("/", "-"), 1))
    kept = store.read_row(former) if former.exists() else None
    if not isinstance(kept, Row) or reuse_error(kept, _wanted(measurement, features)):
        return None
    return kept, former


def measure(measurement: Measurement) -> Row:
    """Measure a task, without storing the row. Raises UserError if images change meanwhile."""
    card, dataset = measurement.card, measurement.dataset
    images = _read_file_states(measurement)
    encoder = measurement.encoder
    begin, extracted = time.perf_counter(), measurement.clock.seconds
    with exact_float32():
        outcome = card.task_kind.evaluate(card.protocol, card.labels, measurement)
    constant = _describe_constant(measurement)
    total, extracted = time.perf_counter() - begin, measurement.clock.seconds - extracted
    precision, assumed = encoder.inference.precision, describe_assumptions(encoder.card)
    if constant:
        measurement.info(f"{measurement.features_name} of {encoder.card.name} is constant: {constant}.")
    if _read_file_states(measurement) != images:
        raise UserError(f"images of {dataset.name} changed while they were measured; run the command again.")
    return Row(
        task=card.task,
        task_version=card.version,
        title=card.title,
        dataset=dataset.name,
        dataset_note=_note(measurement),
        skipped=tuple(item for one in _datasets(measurement) for item in one.skipped),
        fingerprints=list_fingerprints(dataset, measurement.other),
        edition=name_edition(dataset, measurement.other),
        features=measurement.features_name,
        checkpoint=encoder.card.name,
        checkpoint_hash=encoder.card.weights,
        checkpoint_number=encoder.card.number,
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
        measured_with=make_conditions(card, encoder.card, encoder.inference),
        metrics=dict(outcome.metrics),
        items={name: Items.of(values) for name, values in outcome.items.items() if len(values)},
        chosen=dict(outcome.chosen),
        curve=[dict(point) for point in outcome.curve],
        certificate=outcome.certificate,
        draws=outcome.draws,
        scale={name: dict(values) for name, values in outcome.scale.items()},
        stated=dict(outcome.stated)
        | ({} if precision == "float32" else {PRECISION: precision})
        | ({ASSUMED: assumed} if assumed else {})
        | ({CONSTANT: constant} if constant else {})
        | ({LEARNING: "; ".join(encoder.card.warnings)} if encoder.card.warnings else {}),
        seconds={"features": round(extracted, 3), "evaluator": round(total - extracted, 3)},
        versions=provenance.versions() | _list_plugins(measurement),
        hardware=provenance.hardware(str(encoder.device)),
        created=provenance.now(),
    )


def _wanted(measurement: Measurement, features: str) -> Wanted:
    """features: their name in the row."""
    encoder, data = measurement.encoder, (measurement.dataset, measurement.other)
    return Wanted(measurement.card, encoder.card, features, measurement.seed, encoder.inference, data)


def _datasets(measurement: Measurement) -> list[Dataset]:
    return [measurement.dataset, *([measurement.other] if measurement.other else [])]


def _read_file_states(measurement: Measurement) -> list[str]:
    """Return what tells on this machine whether a file was replaced, of each data set."""
    return [
        one.content([item for split in one.splits.values() for item in split.items]) for one in _datasets(measurement)
    ]


def _list_plugins(measurement: Measurement) -> dict[str, str]:
    """Return the plug-ins that a measurement uses, and those that its checkpoint was made with."""
    card = measurement.encoder.card
    used = in_use.find_used(
        datasets=[one.name for one in _datasets(measurement)],
        task_kind=measurement.card.kind,
        recipe=card.recipe,
        architecture=card.backbone,
    )
    made_with = {key: value for key, value in card.versions.items() if key.startswith(in_use.PREFIX)}
    return used | {f"{key}{in_use.PRETRAINING}": value for key, value in made_with.items()}


def _note(measurement: Measurement) -> str:
    """Return how the copies differ from the official ones; for two data sets with their names."""
    notes = [(one.name, one.note) for one in _datasets(measurement) if one.note]
    return "; ".join(f"{name}: {note}" if measurement.other else note for name, note in notes)
