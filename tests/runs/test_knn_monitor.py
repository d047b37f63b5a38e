"""kNN accuracy during training: against scikit-learn, and without any effect on training."""

import numpy as np
import pytest
import torch

from loocbench.checkpoints import card_file
from loocbench.runs.settings import RunSettings
from tests.conftest import tiny_recipe
from tests.runs.training import train


def test_knn_is_scikit_learns():
    """The weighted vote against KNeighborsClassifier with the same weights."""
    from sklearn.neighbors import KNeighborsClassifier
    from torch.nn import functional as F

    from loocbench.runs import knn_monitor
    from loocbench.solvers import vote

    generator = torch.Generator().manual_seed(0)
    labels, asked_labels = torch.arange(300) % 4, torch.arange(80) % 4
    centers = torch.randn(4, 16, generator=generator)
    known = F.normalize(centers[labels] + 1.5 * torch.randn(300, 16, generator=generator), dim=1)
    asked = F.normalize(centers[asked_labels] + 1.5 * torch.randn(80, 16, generator=generator), dim=1)
    witness = KNeighborsClassifier(
        20, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / vote.TEMPERATURE)
    ).fit(known.numpy(), labels.numpy())
    expected = float((witness.predict(asked.numpy()) == asked_labels.numpy()).mean())
    assert knn_monitor.knn_accuracy(known, labels, asked, asked_labels) == pytest.approx(expected)
    assert 0.3 < expected < 1


def test_the_best_epoch_is_kept(tmp_path, tiny_blooms, monkeypatch):
    from loocbench.runs.knn_monitor import Monitor

    accuracies = iter([0.2, 0.9, 0.5])
    monkeypatch.setattr(Monitor, "accuracy", lambda self, network: next(accuracies))
    train(tiny_recipe("moco", epochs=3), tiny_blooms, tmp_path, settings=RunSettings(knn_every=1))
    folder = tmp_path / "runs" / "run"
    assert card_file.read_card(folder / "best.safetensors").epochs_done == 2
    assert card_file.read_card(folder / card_file.FILE).epochs_done == 3


def test_monitoring_does_not_change_the_weights(tmp_path, tiny_blooms):
    recipe = tiny_recipe("looc++", epochs=2)
    cards = [
        card_file.read_card(train(recipe, tiny_blooms, tmp_path / str(every), settings=RunSettings(knn_every=every)))
        for every in (0, 1)
    ]
    assert cards[0].weights == cards[1].weights
