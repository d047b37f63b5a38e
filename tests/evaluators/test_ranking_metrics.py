"""Ranking metrics against scikit-learn, pytorch-metric-learning and naive loops."""

from itertools import permutations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from loocbench.evaluators import ranking_metrics
from tests.evaluators.test_neighbours import rank


@pytest.fixture
def matches():
    drawn = np.random.default_rng(0).random((40, 30)) < 0.2
    drawn[:, 7] = True
    return torch.from_numpy(drawn)


def test_average_precision_is_scikit_learns(matches):
    expected = [average_precision_score(row, -np.arange(30.0)) for row in matches.numpy()]
    np.testing.assert_allclose(ranking_metrics.average_precision(matches).numpy(), expected, atol=1e-12)


def test_the_others_are_their_definitions(matches):
    for row, right in enumerate(matches.tolist()):
        total = sum(right)
        first = right[:total]
        assert float(ranking_metrics.r_precision(matches)[row]) == pytest.approx(sum(first) / total)
        precisions = [sum(first[: place + 1]) / (place + 1) * first[place] for place in range(total)]
        assert float(ranking_metrics.map_at_r(matches)[row]) == pytest.approx(sum(precisions) / total)
        for k in (1, 5, 10):
            assert bool(ranking_metrics.recall_at(matches, k)[row]) == any(right[:k])


def test_all_of_them_are_pytorch_metric_learnings():
    calculator = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator").AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision", "mean_average_precision_at_r", "r_precision"),
        k=None,
        device=torch.device("cpu"),
        knn_func=knn_by_sorting,
    )
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 6
    features = torch.nn.functional.normalize(
        torch.randn(6, 8, generator=generator)[labels] + 1.5 * torch.randn(90, 8, generator=generator), dim=1
    )
    expected = calculator.get_accuracy(features, labels)
    order = torch.from_numpy(rank(features))
    right = labels[order] == labels[:, None]
    got = {
        "precision_at_1": ranking_metrics.recall_at(right, 1).double(),
        "mean_average_precision": ranking_metrics.average_precision(right),
        "mean_average_precision_at_r": ranking_metrics.map_at_r(right),
        "r_precision": ranking_metrics.r_precision(right),
    }
    for name, values in got.items():
        assert float(values.mean()) == pytest.approx(expected[name], abs=1e-6), name


def knn_by_sorting(query, k, reference, ref_includes_query):
    """What pytorch-metric-learning would ask faiss for, without faiss."""
    distance = torch.cdist(query.double(), reference.double())
    found = distance.topk(k + ref_includes_query, largest=False)
    return found.values[:, ref_includes_query:], found.indices[:, ref_includes_query:]


def test_a_query_without_a_right_one_is_told_apart():
    assert ranking_metrics.has_relevant(torch.tensor([[False, True], [False, False]])).tolist() == [True, False]


@pytest.mark.parametrize(("relevant", "places"), [(1, 6), (2, 6), (3, 5), (6, 6), (1, 1)])
def test_chance_is_the_mean_over_every_order(relevant, places):
    """All orders of so many right and wrong ones, each as likely as any other."""
    orders = torch.tensor(sorted(set(permutations([True] * relevant + [False] * (places - relevant)))))
    count = torch.tensor([relevant])
    for k in (1, 2, 5):
        expected = ranking_metrics.recall_at(orders, k).double().mean()
        assert float(ranking_metrics.chance_recall_at(count, places, k)) == pytest.approx(float(expected))
    expected = ranking_metrics.average_precision(orders).mean()
    assert float(ranking_metrics.chance_average_precision(count, places)) == pytest.approx(float(expected))
    expected = ranking_metrics.map_at_r(orders).mean()
    assert float(ranking_metrics.chance_map_at_r(count, places)) == pytest.approx(float(expected))
