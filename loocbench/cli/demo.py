"""``loocbench demo``: the suite ``demo`` from pretraining to a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from loocbench.cards.suites import SuiteCard

SUITE = "demo"


@with_options(EvaluationSettings, without=("suite", "skip_damaged", "limit", "precision", "compiled", "dry_run"))
def demo(settings: EvaluationSettings) -> None:
    """Run everything in about five minutes: pretrain four models on the embedded flowers, measure and compare them."""
    from loocbench.cards.suites import load_suite
    from loocbench.cli.run import run_suite

    card = load_suite(SUITE)
    typer.echo(_describe(card, settings), err=True)
    run_suite(card, settings)


def _describe(card: SuiteCard, settings: EvaluationSettings) -> str:
    """What is going to happen, in three lines."""
    trained = sum(model.method != "random" for model in card.models)
    return (
        f"{trained} models and an untrained network on the embedded flowers: what does each keep of species, colour,\n"
        f"texture and orientation? It takes {card.cost}; Ctrl-C keeps what is done, and the same command goes on.\n"
        f"At the end: a table here, and pictures and rows in {settings.results / SUITE}."
    )
