"""Neighbours of several models on the same queries, by task; rows that keep none are named."""

import hashlib

import numpy as np

from loocbench.evaluators.kept_neighbours import KeptNeighbours
from loocbench.report.table import neighbour_sets
from loocbench.report.table.table import build_table
from loocbench.types import Items, Metric
from tests.report.rows import measured_row


def retrieval_row(model, *, features="looc++", seed=0, queries=4, kept=True, **changes):
    made = KeptNeighbours(
        np.arange(queries), np.full((queries, 3), seed, dtype=np.int64), {"species": np.ones((queries, 3), dtype=bool)}
    )
    items = {name: Items.of(values) for name, values in made.to_items().items()} if kept else {}
    name = f"{model}-s{seed}"
    values = {
        "task": "retrieval/blooms",
        "features": features,
        "items": items,
        "metrics": {"color_recall1": Metric(value=0.5, low=0.4, high=0.6, n=100)},
        "checkpoint": name,
        "checkpoint_hash": hashlib.sha256(name.encode()).hexdigest(),
    }
    return measured_row(model, 0.5, seed=seed, **{**values, **changes})


def collect(*rows):
    table = build_table(rows)
    return neighbour_sets.collect_neighbours(table.measured, table.experiments)


def test_spaces_of_a_task_stand_together_and_the_first_seed_is_shown():
    (found,) = collect(
        retrieval_row("A", seed=2),
        retrieval_row("A", seed=1),
        retrieval_row("A", features="head:color"),
        retrieval_row("B"),
    )
    assert [(one.model, one.features, one.seeds) for one in found.spaces] == [
        ("A", "head:color", 1),
        ("A", "looc++", 2),
        ("B", "looc++", 1),
    ]
    assert found.spaces[1].row.pretraining_seed == 1
    assert (found.task, found.missing) == ("retrieval/blooms", ())


def test_rows_without_neighbours_or_of_other_queries_are_missing():
    (found,) = collect(retrieval_row("A"), retrieval_row("B", kept=False), retrieval_row("C", queries=5))
    assert [one.model for one in found.spaces] == ["A"]
    assert [row.model for row in found.missing] == ["B", "C"]


def test_copies_of_the_data_are_sets_of_their_own_and_other_tasks_none():
    found = collect(retrieval_row("A"), retrieval_row("A", dataset_note="subset 3 of 9"), measured_row("A", 0.5))
    assert [one.note for one in found] == ["", "subset 3 of 9"]
