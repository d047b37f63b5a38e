"""``loocbench retrieve``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o


def retrieve(
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
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    precision: o.Precision = "float32",
    compile_: o.Compile = "auto",
    seed: o.Seed = 0,
    results: o.Results = o.DEFAULT_RESULTS,
    suite: o.Suite = o.DEFAULT_SUITE,
    cache: o.Cache = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            "--gallery",
            help="Where the gallery, or the curve, goes; default beside the row.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    skip_damaged: o.SkipDamaged = False,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Nearest neighbours by class and by colour, with a gallery picture; a query is never its own neighbour."""
    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.jobs import gallery
    from loocbench.report import strengths

    request = measuring.Request(
        data_dir,
        checkpoint,
        features,
        runs,
        device,
        seed,
        results,
        suite,
        cache,
        skip_damaged,
        overwrite,
        json,
        precision,
        compile_,
    )
    card = finding.find("controlled" if controlled else "retrieval", dataset)
    with measuring.measured(card, request) as (row, path, measurement):
        place = picture or path.with_suffix(".png")
        if controlled:
            meaning = "own copy nearer than the changed one, %"
            strengths.draw([row], card.protocol.changes, "kept", meaning, row.scale["random"][card.metric], place)
            measurement.say(f"curve: {place}")
        else:
            gallery.draw([measurement], place)
            measurement.say(f"gallery: {place}")
        measuring.show(row, path, request)
