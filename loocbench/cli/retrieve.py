"""``loocbench retrieve``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o


def retrieve(
    dataset: o.DatasetName = "blooms",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    results: o.Results = o.DEFAULT_RESULTS,
    suite: o.Suite = o.DEFAULT_SUITE,
    cache: o.Cache = None,
    gallery: Annotated[
        Path | None,
        typer.Option("--gallery", help="Where the picture goes; default beside the row.", rich_help_panel=o.OUTPUT),
    ] = None,
    skip_damaged: o.SkipDamaged = False,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Nearest neighbours by class and by colour, with a gallery picture; a query is never its own neighbour."""
    from loocbench.cards import tasks
    from loocbench.cli import measuring
    from loocbench.jobs import gallery as pictures

    request = measuring.Request(
        data_dir, checkpoint, features, runs, device, seed, results, suite, cache, skip_damaged, overwrite, json
    )
    with measuring.measured(tasks.find("retrieval", dataset), request) as (row, path, measurement):
        picture = gallery or path.with_suffix(".png")
        pictures.draw(measurement, picture)
        measurement.say(f"gallery: {picture}")
        measuring.show(row, path, request)
