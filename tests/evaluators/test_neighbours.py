"""Neighbours against naive loops, scikit-learn, and the law that a query is never its own neighbour."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.evaluators import color_descriptor, neighbours


def rank(features):
    """All rankings in one array [N, N - 1]."""
    return np.concatenate([block.neighbours.numpy() for block in neighbours.rankings(features)])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 1000))
def test_ranking_equals_a_naive_sort_with_ties_by_index(count, dim, seed):
    features = torch.randint(-1, 2, (count, dim), generator=torch.Generator().manual_seed(seed)).float() + 0.5
    order = rank(features)
    unit = torch.nn.functional.normalize(features, dim=1)
    for query in range(count):
        similarity = (unit[query] @ unit.T).tolist()
        expected = sorted((i for i in range(count) if i != query), key=lambda i: (-similarity[i], i))
        # Equal directions may differ in the last bit between the two products; compare what is ranked, then the ties.
        np.testing.assert_allclose([similarity[i] for i in order[query]], [similarity[i] for i in expected], atol=1e-6)
        assert sorted(order[query]) == sorted(expected)
    duplicates = torch.ones(5, 3)
    assert rank(duplicates)[2].tolist() == [0, 1, 3, 4]


def test_a_query_is_never_its_own_neighbour_even_among_exact_copies():
    order = rank(torch.ones(600, 4))  # more than one block
    assert order.shape == (600, 599)
    assert (order != np.arange(600)[:, None]).all()


@settings(max_examples=30, deadline=None)
@given(count=st.integers(3, 40), k=st.integers(1, 10), seed=st.integers(0, 1000))
def test_the_nearest_k_are_the_ranking_s_first_k_ties_included(count, k, seed):
    k = min(k, count - 1)
    features = torch.randint(-1, 2, (count, 2), generator=torch.Generator().manual_seed(seed)).float() + 0.5
    assert np.array_equal(neighbours.nearest(features, k).numpy(), rank(features)[:, :k])


def test_the_nearest_are_faiss_s():
    faiss = pytest.importorskip("faiss")
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(3000, 32, generator=generator), dim=1)
    index = faiss.IndexFlatIP(32)
    index.add(features.numpy())
    _, found = index.search(features.numpy(), 11)
    expected = np.array([[i for i in row if i != query][:10] for query, row in enumerate(found)])
    assert (neighbours.nearest(features, 10).numpy() == expected).mean() > 0.999  # equal but for rounding


def test_asking_for_more_neighbours_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="5 neighbours of 4 other images"):
        neighbours.nearest(torch.eye(5), 5)


def test_color_agreement_is_1_for_the_nearest_colour_and_a_half_for_random_neighbours():
    generator = np.random.default_rng(0)
    colors = generator.random((300, 3)) * 100
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argsort(axis=1)[:, :-1]
    assert color_descriptor.agreement(nearest[:, 0], colors).min() == 1.0
    random = np.array([generator.permutation(np.delete(np.arange(300), query)) for query in range(300)])
    assert abs(color_descriptor.agreement(random[:, 0], colors).mean() - 0.5) < 0.05


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
