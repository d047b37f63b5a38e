"""The public Python functions behind ``loocbench.evaluate``."""

from __future__ import annotations

from pathlib import Path

from loocbench.cards.finding import find_named_task
from loocbench.cards.tasks import TaskCard
from loocbench.jobs.evaluation import evaluate_task, measure, open_task
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.progress import Reporter
from loocbench.types import Row


def evaluate(
    checkpoint: str | Path,
    task: str | TaskCard,
    *,
    features: str | None = None,
    data_dir: str | Path | None = None,
    results: str | Path | None = "results",
    suite: str = "local",
    overwrite: bool = False,
    runs: str | Path = "runs",
    cache: str | Path | None = None,
    device: str = "auto",
    precision: str = "float32",
    compiled: bool = False,
    skip_damaged: bool = False,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Row:
    """Evaluate a checkpoint on a task; :func:`loocbench.evaluate` documents it."""
    card = find_named_task(task) if isinstance(task, str) else task
    settings = EvaluationSettings(
        data_dir=_optional_path(data_dir),
        skip_damaged=skip_damaged,
        runs=Path(runs),
        device=device,
        precision=precision,
        compiled=compiled,
        seed=seed,
        cache=_optional_path(cache),
        results=Path(results or "results"),
        suite=suite,
        overwrite=overwrite,
    )
    if results is None:
        return measure(open_task(card, str(checkpoint), features, Session(settings, reporter)))
    return evaluate_task(card, str(checkpoint), features, settings, reporter)[0]


def _optional_path(place: str | Path | None) -> Path | None:
    return None if place is None else Path(place)
