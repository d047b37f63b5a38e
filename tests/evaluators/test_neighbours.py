"""Neighbours against naive loops, scikit-learn, and the law that a query is never its own neighbour."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.evaluators import neighbours


def rank(features):
    """All rankings in one array [N, N - 1]."""
    return np.concatenate([block.neighbours.numpy() for block in neighbours.rank_neighbours(features)])


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
    assert np.array_equal(neighbours.find_nearest(features, k).numpy(), rank(features)[:, :k])


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(3, 200),
    k=st.integers(1, 200),
    directions=st.integers(1, 400),
    tile=st.tuples(st.integers(1, 70), st.integers(1, 8)),
    run=st.sampled_from([1, 4, 8]),
    seed=st.integers(0, 1000),
)
def test_the_nearest_do_not_depend_on_tiles_however_many_tie(count, k, directions, tile, run, seed):
    """Of integer features with equal norms all products are exact, so every tie is one, in every tile."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (directions, 16), generator=generator).float() * 2 - 1  # norm 4
    features = signs[torch.randint(0, directions, (count,), generator=generator)]
    k = min(k, count - 1)
    queries = torch.randint(0, count, (30,), generator=generator).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_TILE", (tile[0], tile[1] * run))
        patch.setattr(neighbours, "_RUN", run)
        found = neighbours.find_nearest(features, k, queries).tolist()
    products = (features @ features.T).numpy()
    for query, row in zip(queries, found, strict=True):
        ranking = np.argsort(-products[query], kind="stable").tolist()  # of equal ones the first comes first
        assert row == [i for i in ranking if i != query][:k]


def test_features_that_are_not_finite_have_no_neighbours():
    features = torch.eye(5)
    features[2, 1] = torch.nan
    with pytest.raises(ValueError, match="not finite"):
        neighbours.find_nearest(features, 2)


def test_the_nearest_are_faiss_s():
    faiss = pytest.importorskip("faiss")
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(3000, 32, generator=generator), dim=1)
    index = faiss.IndexFlatIP(32)
    index.add(features.numpy())
    _, found = index.search(features.numpy(), 11)
    expected = np.array([[i for i in row if i != query][:10] for query, row in enumerate(found)])
    assert (neighbours.find_nearest(features, 10).numpy() == expected).mean() > 0.999  # equal but for rounding


def test_asking_for_more_neighbours_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="k = 5 is not between 1 and 4"):
        neighbours.find_nearest(torch.eye(5), 5)


def test_ties_may_go_to_the_image_that_follows_the_query():
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    (block,) = neighbours.rank_neighbours(features, ties_follow_query=True)
    assert block.neighbours.tolist() == [[1, 3, 2], [3, 0, 2], [3, 0, 1], [0, 1, 2]]
