"""``loocbench spectrum``: label-free signs of spaces, RankMe and LiDAR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.types import Row


@with_options(EvaluationSettings)
def spectrum(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    features: o.Spaces = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Count the dimensions that each space uses, without labels: RankMe and LiDAR."""
    from loocbench.cards import finding
    from loocbench.cli.console import Display
    from loocbench.cli.show_rows import print_paths, print_rows_as_json, show_estimate
    from loocbench.jobs.evaluation import evaluate_every, open_task
    from loocbench.jobs.session import Session

    card = finding.find_task("spectrum", dataset)
    if settings.dry_run:
        show_estimate(card, checkpoint, features[0] if features else None, settings, as_json=as_json)
        return
    with Display() as display:
        measurement = open_task(card, checkpoint, None, Session(settings, display))
        rows, paths = zip(*evaluate_every(measurement, features, settings), strict=True)
    if as_json:
        print_rows_as_json(rows)
        return
    _print_signs(rows)
    print_paths(paths)


def _print_signs(rows: Sequence[Row]) -> None:
    """Print a line for each space, in words where it has collapsed."""
    from rich.table import Table
    from rich.text import Text

    from loocbench.cli.console import stdout
    from loocbench.report.formats.sign_rows import sign_table
    from loocbench.report.table.table import build_table

    headings, lines = sign_table(build_table(rows).signs)
    places = [place for place, name in enumerate(headings) if name not in ("Model", "Seeds", "Data")]
    table = Table()
    for place in places:
        table.add_column(headings[place].lower(), overflow="fold")
    for texts in lines:
        table.add_row(*(Text(texts[place]) for place in places))
    stdout().print(table)
