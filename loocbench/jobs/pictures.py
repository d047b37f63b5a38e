"""The picture of a row: a gallery of neighbours, or its curves."""

from __future__ import annotations

from pathlib import Path

from loocbench.jobs import gallery
from loocbench.jobs.measurement import Measurement
from loocbench.report.figures import line_plots
from loocbench.report.table import columns, experiments, panels
from loocbench.types import Row


def draw_row(measurement: Measurement, row: Row, path: Path) -> Path:
    """Draw the picture of a row to ``path``, and return it."""
    if measurement.card.task_kind.draws_gallery:
        return gallery.draw_neighbours([measurement], path)
    known = columns.load_cards([row])
    shown = columns.choose_columns([row], known, every_metric=False, metrics=())
    line_plots.draw_line_plots(panels.curve_panels(shown, known, experiments.group_rows([row])), path)
    return path
