"""What several tests of runs share: training in a folder, and being asked to stop."""

from __future__ import annotations

import os
import signal

from loocbench.runs import trainer
from loocbench.runs.train import train_recipe
from tests.conftest import Silent


def train(recipe, dataset, folder, *, reporter=None, **options):
    return train_recipe(
        recipe,
        dataset,
        name="run",
        runs=folder / "runs",
        cache=folder / "cache",
        device="cpu",
        reporter=reporter or Silent(),
        **options,
    )


def stop_after(monkeypatch, epochs):
    """The process is asked to stop when that many epochs are done."""
    real = trainer.Trainer._end_epoch

    def end_epoch(self, run, progress, monitor):
        real(self, run, progress, monitor)
        if progress.epoch == epochs:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(trainer.Trainer, "_end_epoch", end_epoch)
