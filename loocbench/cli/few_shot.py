"""``loocbench few-shot``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o


def few_shot(
    dataset: o.DatasetName = "flowers102",
    shots: Annotated[
        int, typer.Option("--shots", min=1, help="Images a class to learn from.", rich_help_panel=o.DATA)
    ] = 5,
    ways: Annotated[
        int,
        typer.Option("--ways", min=0, help="Classes an episode; 0: all classes at once.", rich_help_panel=o.DATA),
    ] = 0,
    solver: Annotated[
        str,
        typer.Option("--solver", help="adam (the paper's) or path (certified).", rich_help_panel=o.DATA),
    ] = "adam",
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
    """Few images a class: all classes from a few shots, or N-way K-shot episodes."""
    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.errors import unknown

    if solver not in ("adam", "path"):
        raise unknown("solver", solver, ("adam", "path"))
    card = finding.find_few_shot(dataset, shots=shots, ways=ways, solver=solver)
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
