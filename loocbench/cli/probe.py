"""``loocbench probe``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def probe(
    request: Request,
    dataset: o.DatasetName = "blooms",
    label: Annotated[
        str | None,
        typer.Option(
            "--label", help="Which label to predict (blooms: species, color, texture).", rich_help_panel=o.DATA
        ),
    ] = None,
    solver: Annotated[
        str,
        typer.Option(
            "--solver",
            help="path (certified logistic regression), ridge (instant) or sgd (the paper's).",
            rich_help_panel=o.DATA,
        ),
    ] = "path",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
) -> None:
    """Linear probe: strength chosen on a validation split; top-1, top-5 and mean per class on the test split."""
    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.errors import unknown

    if solver not in ("path", "ridge", "sgd"):
        raise unknown("solver", solver, ("path", "ridge", "sgd"))
    card = finding.find("linear", dataset, label, solver=solver)  # type: ignore[arg-type]  # one of the three
    measuring.run(card, request, checkpoint, features)
