"""The cells of an experiment: means and intervals of its rows, over checkpoints of several pretraining seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit  # importing scipy.stats would take longer than building the table

from loocbench.report.table.cells import Cell, Cells, round_figure
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment
from loocbench.types import Row

Spread = Literal["interval", "sd"]
CONFIDENCE = 0.95


def aggregate_cells(experiment: Experiment, columns: Sequence[Column], spread: Spread) -> Cells:
    """One cell per column, None where there is no figure; cells of fewer seeds than the experiment has are marked.

    With several pretraining seeds a cell is their mean with Student's 95 % interval; with one it has the interval over
    test items.
    """
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in experiment.rows:
        rows[row.task, row.dataset_note].append(row)
    cells = [aggregate_cell(rows.get((column.task, column.note), []), column.metric, spread) for column in columns]
    return tuple(cell and replace(cell, fewer=cell.seeds < experiment.seeds) for cell in cells)


def aggregate_cell(rows: Sequence[Row], metric: str, spread: Spread) -> Cell | None:
    """First the mean of each checkpoint's measurements, then the mean over checkpoints."""
    checkpoints: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if metric in row.metrics:
            checkpoints[row.checkpoint_hash].append(row)
    if not checkpoints:
        return None
    n = min(row.metrics[metric].n for own in checkpoints.values() for row in own)
    means = np.array([np.mean([row.metrics[metric].value for row in own]) for own in checkpoints.values()])
    if len(checkpoints) == 1:
        (own,) = checkpoints.values()
        low, high = (float(np.mean([getattr(row.metrics[metric], side) for row in own])) for side in ("low", "high"))
        if low == high:  # of older rows: values that were all the same, which say nothing of their spread
            return Cell(float(means[0]), seeds=1, n=n)
        cell = Cell(float(means[0]), low, high, seeds=1, n=n)
        return replace(cell, spread=cell.half_width)
    value, deviation = float(means.mean()), float(means.std(ddof=1))
    error = float(stdtrit(len(means) - 1, (1 + CONFIDENCE) / 2)) * deviation / len(means) ** 0.5
    low, high, sd, half_width = map(round_figure, (value - error, value + error, deviation, error))
    return Cell(value, low, high, sd, sd if spread == "sd" else half_width, len(means), n)
