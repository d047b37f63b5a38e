"""Measured figures in the metadata format of the Hugging Face hub, ``model-index``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loocbench.cards.tasks import TaskCard
from loocbench.data import catalog
from loocbench.evaluators import measures_shares
from loocbench.extras import require
from loocbench.report.table.labels import format_metric, format_percent
from loocbench.types import Metric, Row

MARK = "loocbench"  # among the arguments of a metric that this module wrote
_ACCURACY = "top1"
_CLASSIFICATION, _FEATURES = "image-classification", "image-feature-extraction"  # task types of the hub


def make_model_index(name: str, rows: Sequence[Row], cards: Mapping[str, TaskCard]) -> list[dict[str, Any]]:
    """Return the value of ``model-index``: the figures of a checkpoint's rows that tables show; [] without rows.

    name: the checkpoint's. cards: those of the rows' tasks, by name; of a task without one all metrics are written.
    Values are as stored, fractions of 1 but for numbers of dimensions; the interval stands in words in the metric's
    name, and in numbers with task version, features and checkpoint among its arguments. No published figure is written.
    """
    if not rows:
        return []
    data = require("huggingface_hub.repocard_data", "hub")
    results = [data.EvalResult(**fields) for row in rows for fields in _list_results(row, cards.get(row.task))]
    found: list[dict[str, Any]] = data.eval_results_to_model_index(name, results)
    return found


def is_own_result(result: Mapping[str, Any]) -> bool:
    """Whether :func:`make_model_index` wrote a result of a model index."""
    metrics = result.get("metrics") or []
    return bool(metrics) and all(MARK in (one.get("args") or {}) for one in metrics if isinstance(one, Mapping))


def _list_results(row: Row, card: TaskCard | None) -> Iterator[dict[str, Any]]:
    """Yield the fields of the hub's EvalResult for each shown metric of a row."""
    names = list(row.metrics)
    shown = card.task_kind.table_metrics(card.metric, names) if card and measures_shares(row.task) else names
    dataset = card.elsewhere or card.dataset if card else row.dataset
    entry = catalog.find_entry(dataset)
    title = entry.short if entry else dataset
    for name in shown:
        metric = row.metrics[name]
        yield {
            "task_type": _CLASSIFICATION if name == _ACCURACY else _FEATURES,
            "task_name": card.title if card else row.title or row.task,
            "dataset_type": dataset,
            "dataset_name": f"{title} ({row.dataset_note})" if row.dataset_note else title,
            # The library takes results that differ in their task's name alone for one, hence the task here.
            "dataset_config": f"{row.task} v{row.task_version}, {row.features}, seed {row.seed}",
            "dataset_split": "test",
            "dataset_args": {"edition": row.edition, "fingerprints": dict(row.fingerprints)},
            "metric_type": "accuracy" if name == _ACCURACY else name,
            "metric_name": f"{format_metric(name)}, {_describe_interval(row, metric, card)}",
            "metric_value": metric.value,
            "metric_args": {
                MARK: row.versions.get(MARK, "unknown"),
                "task": row.task,
                "task_version": row.task_version,
                "metric": name,
                "features": row.features,
                "seed": row.seed,
                "checkpoint": row.checkpoint_hash,
                "low": metric.low,
                "high": metric.high,
                "n": metric.n,
            },
        }


def _describe_interval(row: Row, metric: Metric, card: TaskCard | None) -> str:
    """Return the interval in words: "95 % interval 38.2 % to 41.0 % over 5,794 test images"."""
    items = f"{metric.n:,} {card.task_kind.item_name if card else 'test items'}"
    if not measures_shares(row.task):
        return f"dimensions in use, without an interval, of {items}"
    if metric.low == metric.high:
        return f"without an interval, over {items}"
    return f"95 % interval {format_percent(metric.low)} % to {format_percent(metric.high)} % over {items}"
