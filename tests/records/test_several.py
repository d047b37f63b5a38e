"""Rows of several stores as one: each measurement once, that of the store named first, conflicts named."""

import pytest

from loocbench.errors import UserError
from loocbench.records import merging, places, several, store
from loocbench.types import Metric, Row
from tests.records.rows import make_path, make_row


def keep(results, suite="local", **changes):
    row = make_row(**changes)
    path = make_path(results, suite, row)
    store.write_row(path, row)
    return path


def half(value, **changes):
    return {"metrics": {"top1": Metric(value=value, low=0.0, high=1.0, n=100)}, **changes}


@pytest.fixture
def stores(tmp_path):
    """Two stores: a row of each, one that both have, one measured apart with other figures, one with the same; a
    damaged file in the first whose row the second has."""
    one, other = tmp_path / "ann" / "results", tmp_path / "bob" / "results"
    keep(one, seed=1)
    keep(other, seed=2)
    both = keep(one, seed=3)
    copy = other / both.relative_to(one)
    copy.write_bytes(both.read_bytes())
    keep(one, seed=4, **half(0.4))
    keep(other, seed=4, **half(0.6))
    keep(one, seed=5, hardware="one")
    keep(other, seed=5, hardware="other")
    keep(one, seed=6).write_text("{")
    keep(other, seed=6)
    return one, other


def test_each_measurement_is_there_once_and_conflicts_are_named(stores):
    found = several.merge_rows(stores, "local")
    assert found.stores == ("ann/results", "bob/results")
    assert sorted(stored.row.seed for stored in found.rows.values()) == [1, 2, 3, 4, 5, 6]
    held = {stored.row.seed: stored.store for stored in found.rows.values()}
    assert held == {1: "ann/results", 2: "bob/results", 3: "ann/results", 4: "ann/results"} | {
        5: "ann/results",
        6: "bob/results",
    }
    assert found.repeated == 1
    assert [(one.shown.row.seed, one.same_figures) for one in found.conflicts] == [(4, False), (5, True)]
    assert [one.other.store for one in found.conflicts] == ["bob/results"] * 2
    (torn,) = found.unreadable
    assert torn.path.is_relative_to(stores[0])


def test_the_order_of_the_stores_decides_and_the_rows_are_those_of_a_merge(stores, tmp_path):
    for order in (stores, stores[::-1]):
        target = tmp_path / "merged" / order[0].parent.name
        merging.perform_merge(merging.plan_merge(order, target))
        written = [row for row in store.read_rows(target, "local") if isinstance(row, Row)]
        found = several.merge_rows(order, "local")
        by_seed = {stored.row.seed: stored.row for stored in found.rows.values()}
        assert by_seed == {row.seed: row for row in written}
        again = several.merge_rows([target], "local")  # what was set aside before is a conflict still
        assert {one.other.row.seed for one in again.conflicts} == {4, 5}


def test_a_store_that_is_named_twice_counts_once(stores):
    found = several.merge_rows([stores[0], stores[0] / ".." / "results"], "local")
    assert (len(found.rows), found.repeated, found.conflicts) == (4, 0, ())


def test_nothing_is_written(stores, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    several.merge_rows(stores, "local")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_store_without_the_suite_is_named_with_those_it_has(stores, tmp_path):
    keep(tmp_path / "third", "other")
    with pytest.raises(UserError, match=r"no measured rows in .*third/local; .*There are rows of other\."):
        several.merge_rows([*stores, tmp_path / "third"], "local")


def test_the_folder_of_a_suite_is_told_from_that_of_its_store(stores):
    with pytest.raises(UserError, match=f"is a suite itself: --results {stores[0]} --suite local\\.$"):
        several.merge_rows([stores[0] / "local"], "local")


def test_stores_of_damaged_files_alone_are_refused(tmp_path):
    keep(tmp_path / "one").write_text("{")
    with pytest.raises(UserError, match="can be read; 'loocbench results verify' says why"):
        several.merge_rows([tmp_path / "one"], "local")


def test_a_copy_in_another_folder_of_a_row_is_the_same_row(tmp_path):
    path = keep(tmp_path / "one")
    (path.parents[1] / "backup").mkdir()
    (path.parents[1] / "backup" / path.name).write_bytes(path.read_bytes())
    found = several.merge_rows([tmp_path / "one"], "local")
    assert (len(found.rows), found.repeated, found.conflicts) == (1, 1, ())
    assert not list(tmp_path.rglob(places.SET_ASIDE))


def test_names_of_stores_are_as_short_as_they_can_be(tmp_path):
    one, other, third = tmp_path / "ann" / "results", tmp_path / "bob" / "results", tmp_path / "bob" / "old"
    assert several.name_stores([one]) == ["results"]
    assert several.name_stores([one, third]) == ["results", "old"]
    assert several.name_stores([one, other]) == ["ann/results", "bob/results"]
