"""``loocbench robustness``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def robustness(
    request: Request,
    dataset: o.DatasetName = "blooms",
    elsewhere: Annotated[
        str,
        typer.Option(
            "--elsewhere",
            help="Judge on this data set as it is (imagenet-c-100, objectnet13); default corruptions made here.",
            rich_help_panel=o.DATA,
        ),
    ] = "",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
) -> None:
    """A classifier trained on clean images, judged as it is on corrupted or unfamiliar ones."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("robustness", dataset, elsewhere=elsewhere)
    measuring.run(card, request, checkpoint, features)
