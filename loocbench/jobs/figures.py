"""Drawing the figures of a suite: those of its table, and the training curves of its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from loocbench.jobs.runs import find_runs
from loocbench.pretraining.labels import model_label
from loocbench.progress import Reporter
from loocbench.report.figures import suite_figures, training_curves
from loocbench.report.figures.saving import FORMATS
from loocbench.report.figures.suite_figures import Figure
from loocbench.report.table import selection
from loocbench.report.table.table import Table, TableOptions
from loocbench.types import Row


def draw_suite_figures(
    table: Table, rows: Sequence[Row], options: TableOptions, folder: Path, *, runs: Path, reporter: Reporter
) -> list[Path]:
    """Draw all figures of a table that was built from ``rows`` with ``options``; returns the files.

    Each figure is written into ``folder`` as SVG, PDF and PNG. runs: folder of the pretraining runs.
    """
    reported = selection.select_reported(rows, options.chosen)
    figures = suite_figures.number_duplicates(
        [*suite_figures.list_figures(table, reported), *_training_figures(reported, runs)]
    )
    written = []
    for number, (name, drawing) in enumerate(figures):
        reporter.update("drawing", number, len(figures))
        paths = [folder / f"{name}.{ending}" for ending in FORMATS]
        drawing(paths)
        written += paths
    reporter.update("drawing", len(figures), len(figures))
    return written


def _training_figures(rows: Sequence[Row], runs: Path) -> Iterator[Figure]:
    """Yield the training curves of the rows' checkpoints whose runs are in ``runs``."""
    hashes = {row.checkpoint_hash for row in rows}
    for one in find_runs(runs):
        if one.card.weights in hashes and one.log:
            title = f"{one.card.name}: {model_label(one.card)} on {one.card.dataset}"
            drawing = partial(training_curves.draw_training_curves, one.log, title)
            yield f"training-{suite_figures.slugify(one.card.name)}", drawing
