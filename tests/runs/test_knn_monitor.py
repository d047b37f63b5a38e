"""The cheap look at a network in training, against scikit-learn."""

import numpy as np
import pytest
import torch


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
    assert knn_monitor.accuracy(known, labels, asked, asked_labels) == pytest.approx(expected)
    assert 0.3 < expected < 1
