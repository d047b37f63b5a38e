"""``loocbench retrieve``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def retrieve(
    request: Request,
    dataset: o.DatasetName = "blooms",
    controlled: Annotated[
        bool,
        typer.Option(
            "--controlled",
            help="Each image against its own recoloured and turned copies; no labels are needed.",
            rich_help_panel=o.DATA,
        ),
    ] = False,
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            "--gallery",
            help="Where the gallery, or the curve, goes; default beside the row.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
) -> None:
    """Nearest neighbours by class and by colour, with a gallery picture; a query is never its own neighbour."""
    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.jobs import gallery
    from loocbench.report.figures import line_plots
    from loocbench.report.table import columns, experiments, panels

    card = finding.find("controlled" if controlled else "retrieval", dataset)
    with measuring.measured(card, request, checkpoint, features) as (row, path, measurement):
        place = picture or path.with_suffix(".png")
        if controlled:
            known = columns.load_cards([row])
            shown = columns.choose_columns([row], known, every_metric=False, metrics=())
            line_plots.draw_line_plots(panels.curve_panels(shown, known, experiments.group_rows([row])), place)
            measurement.info(f"curve: {place}")
        else:
            gallery.draw([measurement], place)
            measurement.info(f"gallery: {place}")
        measuring.show(row, path, request)
