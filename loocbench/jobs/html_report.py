"""The HTML report of a suite: its table, with the curves, heat maps and galleries that lie beside the rows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from loocbench import files
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.report.figures import panels
from loocbench.report.formats import page
from loocbench.report.formats.page import Picture
from loocbench.report.table import columns as choosing
from loocbench.report.table import matrices, selection
from loocbench.report.table.experiments import group
from loocbench.report.table.table import Options, Table
from loocbench.types import Row

MOST_GALLERIES = 24
_WIDEST = 1600  # pixels of a gallery's picture in the page


def write(
    built: Table,
    rows: Sequence[Row],
    options: Options,
    results: Path,
    suite: str,
    *,
    output: Path,
    pivot: bool,
    reporter: Reporter,
) -> Path:
    """Write the page of a table that was built of ``rows`` with ``options``."""
    kept = selection.shown(rows, options.chosen)
    known, experiments = choosing.cards(kept), group(kept)
    chosen = options.chosen
    whole = not (chosen.models or chosen.features or chosen.backbones)
    pictures = list(_galleries(kept, results, suite, reporter, whole=whole))
    left_out = len(pictures) - MOST_GALLERIES
    more = f"{left_out} more galleries are not shown; filter the report to see them." if left_out > 0 else ""
    text = page.render(
        built,
        f"Results: {suite}",
        panels=[
            *panels.few_shot(built.columns, known, built.measured),
            *panels.curves(built.columns, known, experiments),
        ],
        matrices=matrices.matrices(experiments, known),
        galleries=pictures[:MOST_GALLERIES],
        galleries_left_out=more,
        pivot=pivot,
    )
    files.write_text(output, text)
    return output


def _galleries(rows: Sequence[Row], results: Path, suite: str, reporter: Reporter, *, whole: bool) -> Iterator[Picture]:
    """The gallery pictures beside retrieval rows; one that cannot be read is named.

    whole: all models are shown, so that those with the suite's models side by side are too.
    """
    places: dict[Path, str] = {}
    for row in sorted(rows, key=lambda row: (row.dataset, row.seed)):  # those of one seed show the same queries
        if row.task.startswith("retrieval/"):
            place = store.locate(
                results, suite, row.checkpoint, row.checkpoint_hash, row.task, row.task_version, row.features, row.seed
            )
            title = f"{row.model}, {row.features}, {row.dataset} (seed {row.seed})"
            places[place.with_suffix(".png")] = title
            if whole:
                together = store.gallery(results, suite, row.task, row.seed)
                places.setdefault(together, f"models side by side, {row.dataset} (seed {row.seed})")
    for place, title in places.items():
        if place.is_file():
            try:
                yield _picture(place, title)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                reporter.info(f"passed over {place}: {error}")


def _picture(path: Path, title: str) -> Picture:
    """The picture drawn anew, so that nothing but its pixels gets into the page."""
    with Image.open(path, formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    image.thumbnail((_WIDEST, 4 * _WIDEST))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=82)
    return Picture(title, stream.getvalue(), "image/webp", image.width, image.height)
