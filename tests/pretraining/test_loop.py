"""The loop over epochs: ``loocbench.pretraining.loop`` and ``pretraining.batches``.

Covers ``loocbench.pretraining.loop``, ``loocbench.pretraining.batches``, ``loocbench.models.preprocessing``.
"""

import numpy as np
import torch

from loocbench.data import preparing
from loocbench.pretraining.loop import Run
from tests.conftest import Silent, tiny_recipe

CPU = torch.device("cpu")


def test_training_lowers_the_loss(tiny_blooms, tmp_path):
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["train"], 18, cache=tmp_path, reporter=Silent())
    run = Run(tiny_recipe("looc", epochs=30, learning_rate=0.2), images, CPU)
    losses = [progress.loss for progress in run.steps() if progress.ends_epoch]
    assert np.mean(losses[-5:]) < np.mean(losses[2:7]) - 0.1  # from where the queue holds real keys
