"""The store as a pandas table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from loocbench.types import Row


def to_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """One line a metric: the row's identity, and metric, value, low, high, n."""
    return pd.DataFrame(
        [
            {
                "model": row.model,
                "features": row.features,
                "task": row.task,
                "task_version": row.task_version,
                "dataset": row.dataset,
                "dataset_note": row.dataset_note,
                "pretrained_on": row.pretrained_on,
                "epochs": row.epochs,
                "backbone": row.recipe.backbone if row.recipe else row.backbone,
                "pretrain_seed": row.recipe.seed if row.recipe else 0,
                "seed": row.seed,
                "checkpoint": row.checkpoint,
                "checkpoint_hash": row.checkpoint_hash,
                "metric": name,
                "value": metric.value,
                "low": metric.low,
                "high": metric.high,
                "n": metric.n,
                "hardware": row.hardware,
                "created": row.created,
            }
            for row in rows
            for name, metric in row.metrics.items()
        ]
    )
