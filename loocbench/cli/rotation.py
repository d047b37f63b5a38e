"""``loocbench rotation``"""

from __future__ import annotations

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def rotation(
    request: Request,
    dataset: o.DatasetName = "blooms",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
) -> None:
    """Rotation prediction: which of four exact quarter turns a square crop was given."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("rotation", dataset)
    measuring.run(card, request, checkpoint, features)
