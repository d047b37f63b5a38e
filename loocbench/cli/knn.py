"""``loocbench knn``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def knn(
    request: Request,
    dataset: o.DatasetName = "blooms",
    label: Annotated[
        str | None,
        typer.Option(
            "--label", help="Which label to predict (blooms: species, color, texture).", rich_help_panel=o.DATA
        ),
    ] = None,
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
) -> None:
    """Nearest neighbours vote: their number chosen on a validation split, top-1 and top-5 on the test split."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("knn", dataset, label)
    measuring.run(card, request, checkpoint, features)
