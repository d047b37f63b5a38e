"""``loocbench demo``: the suite ``demo`` from pretraining to a table."""

from __future__ import annotations

from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

SUITE = "demo"


@with_options(EvaluationSettings, without=("suite", "skip_damaged", "limit", "precision", "compiled", "dry_run"))
def demo(settings: EvaluationSettings) -> None:
    """Run everything in about five minutes: pretrain four models on the embedded flowers, measure and compare them."""
    from loocbench.cards.suites import load_suite
    from loocbench.cli.run import run_suite

    run_suite(load_suite(SUITE), settings)
