"""Paired tests of experiments: on which rows, by which test, and why not.

Covers loocbench.report.table.comparisons, loocbench.report.table.paired_tests and
loocbench.report.table.disagreements.
"""

import json

import numpy as np
import pytest

from loocbench.records import store
from loocbench.report.formats.comparison_rows import format_comparisons
from loocbench.report.table import comparisons, disagreements
from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Items, Metric
from tests.records.rows import make_path
from tests.report.rows import measured_row


def answers(share, draw, count=400):
    return np.random.default_rng(draw).random(count) < share


def of(model, values, **changes):
    """A row with single items."""
    value = float(np.nanmean(values))
    changes = {"metrics": {"top1": Metric(value=value, low=value - 0.1, high=value + 0.1, n=len(values))}, **changes}
    return measured_row(model, value, items={"top1": Items.of(np.asarray(values))}, **changes)


def seeds(model, shares, method="looc++"):
    """A model's rows: pretraining seed -> its accuracy."""
    return [
        of(model, answers(share, [len(model), seed]), seed=seed, method=method, checkpoint=f"{model}{seed}",
           checkpoint_hash=f"{model}{seed}" * 8)
        for seed, share in shares.items()
    ]  # fmt: skip


def against_b(rows):
    (test,) = build_table(rows, TableOptions(against="B")).tests
    return test


def test_of_two_sides_that_share_some_seeds_only_none_is_left_out():
    """Seed 0 alone speaks for A, its mean over all seeds does not."""
    rows = [*seeds("A", {0: 0.8, 1: 0.3, 2: 0.3}), *seeds("B", {0: 0.6, 5: 0.6, 6: 0.6}, "moco")]
    test = against_b(rows)
    lines = {line.model: line.cells[0].value for line in build_table(rows).measured}
    assert test.result.difference == pytest.approx(lines["A"] - lines["B"])
    assert (test.result.test, test.result.seeds, test.result.by_seed) == ("bootstrap", (3, 3), False)
    assert not test.marker
    assert format_comparisons([test])[0][5] == "bootstrap, 3 and 3 seeds, not paired"


def test_the_same_seeds_are_pairs_in_any_order():
    shares = {0: 0.7, 1: 0.6, 2: 0.5}
    rows = [*seeds("A", shares), *reversed(seeds("B", shares, "moco"))]
    result = against_b(rows).result
    assert (result.seeds, result.by_seed) == ((3, 3), True)
    assert [[row.pretraining_seed for row in side] for side in against_b(rows).rows] == [[0, 1, 2], [0, 1, 2]]


def test_two_weights_of_one_seed_both_count():
    twice = [
        of("A", answers(share, draw), checkpoint=f"a{draw}", checkpoint_hash=f"{draw}" * 64)
        for draw, share in enumerate((0.2, 0.9))
    ]
    result = against_b([*twice, *seeds("B", {0: 0.5}, "moco")]).result
    assert (result.test, result.seeds, result.by_seed) == ("bootstrap", (2, 1), False)
    assert result.difference == pytest.approx(np.mean([row.metrics["top1"].value for row in twice]) - 0.5, abs=0.05)


def test_of_several_measurements_those_that_both_have():
    """A was measured with the seeds 0 and 1, B with 1 alone; what was drawn is the same for one seed."""
    rows = [of("A", answers(0.5, seed), measuring_seed=seed, draws=f"drawn {seed}") for seed in (0, 1)]
    rows.append(of("B", answers(0.5, 3), measuring_seed=1, draws="drawn 1", method="moco", checkpoint_hash="5" * 64))
    test = against_b(rows)
    assert test.result is not None
    assert [side[0].seed for side in test.rows] == [1, 1]


def test_compare_shows_the_means_and_the_images_of_the_rows_that_it_tested(loocbench, tmp_path):
    """The place of seed 10 comes before that of seed 2 in the store."""
    rows = [of("A", answers(share, seed), measuring_seed=seed) for seed, share in ((10, 0.2), (2, 0.8))]
    rows.append(of("B", answers(0.6, 3), measuring_seed=2, method="moco", checkpoint_hash="5" * 64))
    for row in rows:
        store.write_row(make_path(tmp_path / "results", "local", row), row)
    (task,) = json.loads(loocbench("compare", "A", "B", "--json").out)["tasks"]
    alone = task["right_alone"]
    assert (len(alone["first"]), len(alone["second"])) == (task["result"]["only_first"], task["result"]["only_second"])
    assert task["first"] - task["second"] == pytest.approx(task["result"]["difference"])


def test_compare_names_no_images_where_no_single_row_was_tested():
    rows = [*seeds("A", {0: 0.2, 1: 0.8}), *seeds("B", {1: 0.6}, "moco")]
    _, _, found = comparisons.compare_named(rows, "A", "B")
    assert found[0].result.seeds == (2, 1)
    assert disagreements.find_disagreements(found, lambda row: "not here") == []


def test_items_that_are_no_numbers_are_not_tested():
    broken = np.array([0.1, np.nan, 0.3] * 20)
    test = against_b([of("A", broken, metrics={"top1": Metric(value=0.2, low=0.1, high=0.3, n=60)}),
                   of("B", np.full(60, 0.2), method="moco", checkpoint_hash="5" * 64)])  # fmt: skip
    assert (test.result, test.significant) == (None, False)
    assert test.reason == "single items of A are not finite numbers"


def test_lines_of_other_foregrounds_say_so_and_are_not_tested_in_pairs():
    right = {"items": {"color_recall1": Items.of(np.array([True, False, True]))}}
    metrics = {"color_recall1": Metric(value=2 / 3, low=0.2, high=0.9, n=3)}
    both = [
        measured_row(name, 0.5, task="retrieval/cub200", metrics=metrics, stated={"foreground": how}, **right)
        for name, how in (("A", "bounding box"), ("B", "segmentation"))
    ]
    found = build_table(both, TableOptions(every_metric=True, every_pair=True))
    assert any(
        "foreground from bounding box or segmentation, which differs between lines" in one for one in found.notes
    )
    assert all(test.result is None for test in found.tests)
