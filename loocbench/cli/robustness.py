"""``loocbench robustness``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o


def robustness(
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
    """A classifier trained on clean images, judged as it is on corrupted or unfamiliar ones."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("robustness", dataset, elsewhere=elsewhere)
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
