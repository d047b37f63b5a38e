"""``loocbench demo``"""

from __future__ import annotations

from loocbench.cli import options as o

SUITE = "demo"


def demo(
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    results: o.Results = o.DEFAULT_RESULTS,
    cache: o.Cache = None,
    overwrite: o.Overwrite = False,
) -> None:
    """The whole way in about six minutes: pretrain four models on the embedded flowers, measure, compare."""
    from loocbench.cards import suites
    from loocbench.cli.console import Display
    from loocbench.cli.measuring import device_name
    from loocbench.cli.report import show
    from loocbench.data import prepared
    from loocbench.jobs import report as reporting
    from loocbench.jobs import suite as job
    from loocbench.report import table

    with Display() as display:
        card = suites.load(SUITE)
        pictures = job.run(
            card,
            job.Places(data_dir, runs, results, cache or prepared.cache_dir()),
            device=device_name(device),
            seed=seed,
            overwrite=overwrite,
            watcher=display,
        )
        rows = reporting.rows_of(results, SUITE, display)
        built = table.build(rows)
        written = reporting.write_usual(built, rows, results, SUITE, pivot=False)
    show(built, written)
    for picture in pictures:
        print(f"picture: {picture}")
