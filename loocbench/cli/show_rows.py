"""Measured rows, printed as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loocbench.cli.console import Display, stdout

if TYPE_CHECKING:
    from loocbench.cards.tasks import TaskCard
    from loocbench.jobs.estimating import Estimate
    from loocbench.jobs.settings import EvaluationSettings
    from loocbench.types import Row


def evaluate_and_show(
    card: TaskCard, checkpoint: str | None, features: str | None, settings: EvaluationSettings, *, as_json: bool
) -> None:
    """Evaluate one task, store its row and show it; or show how long it would take."""
    from loocbench.jobs.evaluation import evaluate_task

    if settings.dry_run:
        show_estimate(card, checkpoint, features, settings, as_json=as_json)
        return
    with Display() as display:
        row, path, _ = evaluate_task(card, checkpoint, features, settings, display)
    show_row(row, path, as_json=as_json)


def show_estimate(
    card: TaskCard, checkpoint: str | None, features: str | None, settings: EvaluationSettings, *, as_json: bool
) -> None:
    """Show how long a task would take, and from what that is known."""
    from loocbench.jobs.estimating import estimate_task
    from loocbench.jobs.evaluation import open_task
    from loocbench.jobs.session import Session

    with Display() as display:
        session = Session(settings, display)
        measurement = open_task(card, checkpoint, features, session)
        estimate = estimate_task(measurement, session, settings)
    print_estimate(f"{measurement.card.task}, {measurement.features_name}", estimate, as_json=as_json)


def print_estimate(what: str, estimate: Estimate, *, as_json: bool) -> None:
    """Print how long something would take."""
    if as_json:
        print(json.dumps({"dry_run": what, "minutes": estimate.minutes, "basis": estimate.basis}))
        return
    stdout().print(f"{what}: {estimate}", highlight=False, soft_wrap=True, markup=False)


def show_row(row: Row, path: Path, *, as_json: bool) -> None:
    """Print a row as a small table, or as one JSON object."""
    if as_json:
        print(json.dumps({**summarise_row(row), "row": str(path)}))
        return
    from rich.table import Table

    from loocbench.report.table.labels import format_percent

    console = stdout()
    console.print(f"{row.task} (v{row.task_version}), {row.model}, {row.features}", highlight=False, soft_wrap=True)
    table = Table()
    for heading in ("metric", "value %", "95 % interval", *row.scale, "n"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, metric in row.metrics.items():
        value, low, high = map(format_percent, (metric.value, metric.low, metric.high))
        scale = (format_percent(values[name]) if name in values else "" for values in row.scale.values())
        table.add_row(name, value, f"{low} – {high}", *scale, f"{metric.n:,}")
    console.print(table)
    for name, value in row.stated.items():
        console.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    print_paths([path])


def print_rows_as_json(rows: Iterable[Row]) -> None:
    """Print several rows as one JSON object."""
    print(json.dumps({"rows": [summarise_row(row) for row in rows]}))


def print_paths(paths: Iterable[Path]) -> None:
    """Print the paths of stored rows."""
    for path in paths:
        stdout().print(f"row: {path}", highlight=False, soft_wrap=True)


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
