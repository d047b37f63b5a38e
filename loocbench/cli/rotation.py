"""``loocbench rotation``"""

from __future__ import annotations

from loocbench.cli import options as o


def rotation(
    dataset: o.DatasetName = "blooms",
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
    """Rotation prediction: which of four exact quarter turns a square crop was given."""
    from loocbench.cards import finding
    from loocbench.cli import measuring

    card = finding.find("rotation", dataset)
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
