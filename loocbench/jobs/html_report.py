"""The HTML report of a suite: what each model kept, table, curves, heat maps, and galleries stored beside the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from loocbench.evaluators import KINDS
from loocbench.jobs.explorer import build_explorers
from loocbench.jobs.report import report_title
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.report.figures import suite_figures
from loocbench.report.formats import html_page
from loocbench.report.formats.pictures import Picture, read_picture
from loocbench.report.table import columns, epoch_panels, matrices, panels, selection
from loocbench.report.table.experiments import group_rows
from loocbench.report.table.table import Table, TableOptions
from loocbench.types import Row

MAX_GALLERIES = 24
_ABREAST = 4  # profiles; of a page that is as wide as a screen


def render_html_report(
    table: Table,
    rows: Sequence[Row],
    options: TableOptions,
    stores: Sequence[Path],
    suite: str,
    *,
    pivot: bool,
    data_dir: Path | None = None,
    reporter: Reporter,
) -> str:
    """The page of a table that was built from ``rows`` with ``options``. stores: the folders of these rows; of
    galleries of one name the first one's is shown."""
    reported = selection.select_reported(rows, options.chosen)
    cards, experiments = columns.load_cards(reported), group_rows(reported)
    chosen = options.chosen
    every_model = not (chosen.models or chosen.features or chosen.backbones)
    pictures = list(_read_galleries(reported, stores, suite, reporter, every_model=every_model))
    left_out = len(pictures) - MAX_GALLERIES
    more = f"{left_out} more galleries are not shown; filter the report to see them." if left_out > 0 else ""
    return html_page.render_html(
        table,
        report_title(suite),
        profiles=_draw_profiles(table, reported),
        panels=[
            *panels.few_shot_panels(table.columns, cards, table.measured),
            *epoch_panels.epoch_panels(table.columns, experiments),
            *panels.curve_panels(table.columns, cards, experiments),
        ],
        matrices=matrices.build_matrices(experiments, cards),
        galleries=pictures[:MAX_GALLERIES],
        galleries_left_out=more,
        explorers=build_explorers(table, suite=suite, data_dir=data_dir),
        pivot=pivot,
    )


def _draw_profiles(table: Table, rows: Sequence[Row]) -> Picture | None:
    """Draw what each model kept; None where the rows answer less than two questions."""
    drawing = suite_figures.draw_profiles_of(table, rows, abreast=_ABREAST)
    if drawing is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile.png"
        drawing([path])
        return read_picture(path, "What each model kept")


def _read_galleries(
    rows: Sequence[Row], stores: Sequence[Path], suite: str, reporter: Reporter, *, every_model: bool
) -> Iterator[Picture]:
    """Yield the gallery pictures stored beside rows; unreadable ones are reported and skipped.

    every_model: also yield those that show the suite's models side by side.
    """
    titles: dict[Path, str] = {}
    for row in sorted(rows, key=lambda row: (row.dataset, row.seed)):  # galleries of one seed show the same queries
        kind = row.task.partition("/")[0]
        if kind in KINDS and KINDS[kind].draws_gallery:
            path = store.row_path(
                Path(), suite, row.checkpoint, row.checkpoint_hash, row.task, row.task_version, row.features, row.seed
            )
            titles[path.with_suffix(".png")] = f"{row.model}, {row.features}, {row.dataset} (seed {row.seed})"
            if every_model:
                together = store.gallery_path(Path(), suite, row.task, row.seed)
                titles.setdefault(together, f"models side by side, {row.dataset} (seed {row.seed})")
    for place, title in titles.items():
        picture = next((folder / place for folder in stores if (folder / place).is_file()), None)
        if picture:
            try:
                yield read_picture(picture, title)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                reporter.info(f"skipped {picture}: {error}")
