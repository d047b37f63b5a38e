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
    from loocbench.cli import whole_suite
    from loocbench.cli.measuring import device_name
    from loocbench.data import prepared
    from loocbench.features.encoder import DEFAULT
    from loocbench.jobs.suite import Places, Suite

    places = Places(data_dir, runs, results, cache or prepared.cache_dir())
    suite = Suite.open(suites.load(SUITE), places, seed=seed)
    whole_suite.show(*whole_suite.run(suite, device=device_name(device), inference=DEFAULT, overwrite=overwrite))
