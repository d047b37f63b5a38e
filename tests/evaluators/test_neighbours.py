"""Neighbours against naive loops, scikit-learn, and the law that a query is never its own neighbour."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from loocbench.evaluators import color_descriptor, neighbours


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 1000))
def test_ranking_equals_a_naive_sort_with_ties_by_index(count, dim, seed):
    features = torch.randint(-1, 2, (count, dim), generator=torch.Generator().manual_seed(seed)).float() + 0.5
    order = neighbours.rank(features)
    unit = torch.nn.functional.normalize(features.double(), dim=1)
    for query in range(count):
        similarity = (unit[query] @ unit.T).tolist()
        expected = sorted((i for i in range(count) if i != query), key=lambda i: (-similarity[i], i))
        # Equal directions may differ in the last bit between the two products; compare what is ranked, then the ties.
        np.testing.assert_allclose([similarity[i] for i in order[query]], [similarity[i] for i in expected], atol=1e-12)
        assert sorted(order[query]) == sorted(expected)
    duplicates = torch.ones(5, 3)
    assert neighbours.rank(duplicates)[2].tolist() == [0, 1, 3, 4]


def test_a_query_is_never_its_own_neighbour_even_among_exact_copies():
    order = neighbours.rank(torch.ones(600, 4))  # more than one block
    assert order.shape == (600, 599)
    assert (order != np.arange(600)[:, None]).all()


def test_average_precision_is_scikit_learns():
    generator = np.random.default_rng(0)
    matches = generator.random((20, 30)) < 0.2
    matches[:, 7] = True
    scores = -np.arange(30.0)
    expected = [average_precision_score(row, scores) for row in matches]
    np.testing.assert_allclose(neighbours.average_precision(matches), expected, atol=1e-12)


def test_color_agreement_is_1_for_the_nearest_colour_and_a_half_for_random_neighbours():
    generator = np.random.default_rng(0)
    colors = generator.random((300, 3)) * 100
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argsort(axis=1)[:, :-1]
    assert neighbours.color_agreement(nearest, colors).min() == 1.0
    random = np.array([generator.permutation(np.delete(np.arange(300), query)) for query in range(300)])
    assert abs(neighbours.color_agreement(random, colors).mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
    ],
)
def test_known_cielab_values(rgb, lab):
    np.testing.assert_allclose(color_descriptor.rgb_to_lab(np.array(rgb, dtype=float)), lab, atol=0.05)


def test_the_stated_colour_is_that_of_the_central_half():
    image = np.zeros((1, 3, 8, 8), dtype=np.uint8)
    image[:, :, 2:6, 2:6] = 255
    np.testing.assert_allclose(color_descriptor.central_color(image), [[100, 0, 0]], atol=0.05)
