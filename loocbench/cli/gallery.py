"""``loocbench gallery``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Opening, shared


@shared(Opening)
def gallery(
    opening: Opening,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint", help="As for retrieve (repeatable); default the newest run.", rich_help_panel=o.MODEL
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features", help="As for retrieve (repeatable); default each one's own.", rich_help_panel=o.MODEL
        ),
    ] = None,
    dataset: o.DatasetName = "blooms",
    picture: Annotated[Path, typer.Option("--picture", help="Where it goes.", rich_help_panel=o.OUTPUT)] = Path(
        "gallery.png"
    ),
) -> None:
    """The nearest neighbours that several models find for the same images, one above the other."""
    from dataclasses import replace

    from loocbench.cards import finding
    from loocbench.checkpoints import locate
    from loocbench.cli import measuring
    from loocbench.jobs import gallery as job

    card = finding.find("retrieval", dataset)
    found = []
    for reference in checkpoint or [str(locate.find_newest(opening.runs))]:
        with measuring.opened_measurement(card, opening, reference) as measurement:
            for name in features or [measurement.encoder.default_features]:
                measurement.encoder.parse(name)
                one = replace(measurement, features_name=name)
                one.features("test")  # extracted while the progress is shown
                found.append(one)
    job.draw(found, picture)
    print(f"gallery: {picture}")
