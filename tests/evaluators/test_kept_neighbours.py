"""The neighbours that a row of retrieval keeps, against a naive search; the same queries for every model."""

import numpy as np
import pytest
import torch

from loocbench.cards import tasks
from loocbench.data import blooms
from loocbench.evaluators import kept_neighbours
from loocbench.evaluators.kept_neighbours import MOST_NEIGHBOURS, MOST_QUERIES, KeptNeighbours
from loocbench.types import Items
from tests.evaluators.pictures import Pictures, both, evaluate, palette


def kept_of(dataset, encode, **changes):
    found = evaluate(tasks.load_task("retrieval/blooms").model_copy(update=changes), Pictures(dataset, encode))
    return kept_neighbours.read_neighbours({name: Items.of(values) for name, values in found.items.items()})


def test_they_are_the_nearest_and_say_what_they_share(tiny_blooms):
    kept = kept_of(tiny_blooms, both)
    features = torch.nn.functional.normalize(Pictures(tiny_blooms, both).features("test"), dim=1)
    similarity = (features @ features.T).fill_diagonal_(-2).numpy()
    labels = tiny_blooms.splits["test"].labels
    assert kept.nearest.shape == (64, MOST_NEIGHBOURS)
    for query, nearest, place in zip(kept.queries, kept.nearest, range(64), strict=True):
        naive = sorted(range(64), key=lambda row: -similarity[query, row])[:MOST_NEIGHBOURS]
        assert np.allclose(similarity[query, nearest], similarity[query, naive], atol=1e-6)
        assert len(set(nearest.tolist()) - {query}) == MOST_NEIGHBOURS
        for kind in ("species", "color"):
            assert kept.shared[kind][place].tolist() == [labels[kind][row] == labels[kind][query] for row in nearest]
    assert set(kept.shared) == {"species", "color"}  # not their conjunction, which follows


def test_colour_that_is_no_label_is_kept_too(tiny_blooms):
    task = tasks.load_task("retrieval/blooms").model_copy(update={"labels": ("species",)})
    found = evaluate(task, Pictures(tiny_blooms, palette)).items
    kept = kept_neighbours.read_neighbours({name: Items.of(values) for name, values in found.items()})
    assert set(kept.shared) == {"species", "color"}
    assert kept.queries.tolist() == list(range(64))  # all test images
    for kind, shared in kept.shared.items():
        assert np.array_equal(shared[:, 0], found[f"{kind}_recall1"])


def test_queries_are_bounded_and_the_same_for_every_model():
    large = blooms.make_blooms({"train": 8, "val": 8, "test": MOST_QUERIES + 40})
    one, other = kept_of(large, palette), kept_of(large, both)
    assert len(one.queries) == MOST_QUERIES
    assert np.array_equal(one.queries, other.queries)
    assert np.array_equal(one.queries, kept_neighbours.choose_queries(MOST_QUERIES + 40))
    assert not np.array_equal(one.nearest, other.nearest)


def test_few_images_have_fewer_neighbours():
    kept = kept_of(blooms.make_blooms({"train": 4, "val": 4, "test": 4}), palette)
    assert kept.nearest.shape == (4, 3)


@pytest.mark.parametrize("change", ["without queries", "too few", "negative", "damaged"])
def test_what_cannot_be_is_read_as_none(change):
    made = KeptNeighbours(np.arange(4), np.ones((4, 3), dtype=np.int64), {"species": np.ones((4, 3), dtype=bool)})
    items = {name: Items.of(values) for name, values in made.to_items().items()}
    assert kept_neighbours.read_neighbours(items).nearest.shape == (4, 3)
    if change == "without queries":
        del items[kept_neighbours.QUERIES]
    elif change == "too few":
        items[kept_neighbours.NEAREST] = Items.of(np.arange(5))
    elif change == "negative":
        items[kept_neighbours.NEAREST] = Items.of(np.full(12, -1))
    else:
        items[kept_neighbours.NEAREST] = items[kept_neighbours.NEAREST].model_copy(update={"data": "eA=="})
    assert kept_neighbours.read_neighbours(items) is None


def test_their_names_are_told_from_metrics():
    assert all(map(kept_neighbours.is_kept, ("queries", "nearest", "nearest_share_species")))
    assert not any(map(kept_neighbours.is_kept, ("species_recall1", "top1", "predicted")))
