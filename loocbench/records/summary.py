"""The fields of a row that commands print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loocbench.types import Row

HEADING = ("task_version", "model", "shares")  # fields of what is printed that ``--json`` leaves out


def summarise_row(row: Row) -> dict[str, Any]:
    """Return the fields of a row that ``--json`` prints."""
    return {
        "task": row.task,
        "dataset": row.dataset,
        "features": row.features,
        "checkpoint": row.checkpoint,
        "seed": row.seed,
        "metrics": {name: metric.model_dump() for name, metric in row.metrics.items()},
        "scale": row.scale,
        "stated": row.stated,
        "chosen": row.chosen,
        "certificate": row.certificate,
    }


def select_shown(row: Row) -> dict[str, Any]:
    """Return all fields of a row that a command prints, as JSON holds them; shares: whether in per cent."""
    from loocbench.evaluators import measures_shares

    shares = measures_shares(row.task)
    return {**summarise_row(row), "task_version": row.task_version, "model": row.model, "shares": shares}


def to_json_fields(shown: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return what ``--json`` prints of the fields of :func:`select_shown`."""
    return {**{name: value for name, value in shown.items() if name not in HEADING}, "row": str(path)}


def describe_kept(path: Path) -> str:
    """Return the line that says that a row was not measured now."""
    return f"measured before, kept: {path} (--overwrite measures again)"
