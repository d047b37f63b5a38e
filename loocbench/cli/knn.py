"""``loocbench knn``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o


def knn(
    dataset: o.DatasetName = "blooms",
    label: Annotated[
        str | None,
        typer.Option(
            "--label", help="Which label to predict (blooms: species, color, texture).", rich_help_panel=o.DATA
        ),
    ] = None,
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
    skip_damaged: o.SkipDamaged = False,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Nearest neighbours vote: their number chosen on a validation split, top-1 and top-5 on the test split."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("knn", dataset, label)
    measuring.run(
        card,
        measuring.Request(
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
        ),
    )
