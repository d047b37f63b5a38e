"""Rows as a pandas table: one line per row and metric."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from loocbench.types import SELECTED, Row

COLUMNS: dict[str, str] = {  # name -> dtype; loocbench.results.load explains them
    "suite": "str",
    "model": "str",
    "method": "str",
    "features": "str",
    "selected": "str",
    "task": "str",
    "task_version": "int64",
    "dataset": "str",
    "dataset_note": "str",
    "backbone": "str",
    "image_size": "int64",
    "source": "str",
    "pretrained_on": "str",
    "pretraining_note": "str",
    "epochs": "Int64",
    "pretraining_seed": "Int64",
    "seed": "int64",
    "checkpoint": "str",
    "checkpoint_hash": "str",
    "metric": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "certificate": "float64",
    "test_fingerprint": "str",
    "seconds": "float64",
    "version": "str",
    "hardware": "str",
    "created": "str",
}


def rows_to_frame(rows: Iterable[Row], suite: str | Iterable[str] = "") -> pd.DataFrame:
    """A table with one line per row and metric, and the columns ``COLUMNS``. suite: of all rows, or one per row."""
    kept = list(rows)
    suites = [suite] * len(kept) if isinstance(suite, str) else list(suite)
    lines = [
        (*_identity_values(row, name), metric, value.value, value.low, value.high, value.n, *_provenance_values(row))
        for row, name in zip(kept, suites, strict=True)
        for metric, value in row.metrics.items()
    ]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    return frame.astype(COLUMNS)


def _identity_values(row: Row, suite: str) -> tuple[object, ...]:
    return (
        suite,
        row.model,
        row.recipe.method if row.recipe else "",
        row.features,
        row.stated.get(SELECTED, ""),
        row.task,
        row.task_version,
        row.dataset,
        row.dataset_note,
        row.backbone,
        row.image_size,
        row.source,
        row.pretrained_on,
        row.pretraining_note,
        row.epochs,
        row.pretraining_seed,
        row.seed,
        row.checkpoint,
        row.checkpoint_hash,
    )


def _provenance_values(row: Row) -> tuple[object, ...]:
    return (
        row.certificate,
        row.fingerprints.get("test", ""),
        sum(row.seconds.values()),
        row.versions.get("loocbench", ""),
        row.hardware,
        row.created,
    )
