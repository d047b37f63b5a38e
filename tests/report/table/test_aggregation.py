"""Cells: means over measurements and pretraining seeds, with their intervals.

Covers loocbench.report.table.aggregation and loocbench.report.table.cells.
"""

import pytest
from scipy import stats

from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Metric
from tests.report.rows import measured_row


def test_over_several_seeds_mean_and_students_interval():
    rows = [
        measured_row("A", value, seed=seed, checkpoint=f"a{seed}", checkpoint_hash=f"{seed}" * 64)
        for seed, value in enumerate((0.5, 0.6, 0.7))
    ]
    (line,) = build_table(rows).measured
    cell = line.cells[0]
    interval = stats.t.interval(0.95, 2, 0.6, 0.1 / 3**0.5)
    assert cell.value == pytest.approx(0.6)
    assert (cell.low, cell.high) == pytest.approx(interval)
    assert cell.spread == pytest.approx(interval[1] - 0.6)
    assert (cell.seeds, cell.sd) == (3, pytest.approx(0.1))
    (line,) = build_table(rows, TableOptions(spread="sd")).measured
    assert line.cells[0].spread == pytest.approx(0.1)


def test_several_measurements_of_one_checkpoint_are_no_seeds():
    (line,) = build_table([measured_row("A", 0.5), measured_row("A", 0.7, measuring_seed=1)]).measured
    assert (line.cells[0].value, line.cells[0].seeds) == (pytest.approx(0.6), 1)
    assert line.cells[0].spread == pytest.approx(0.03)


def test_an_interval_of_zero_width_is_none():
    """Older rows of few shots have one where all draws were equal."""
    metric = Metric(value=1.0, low=1.0, high=1.0, n=10)
    (line,) = build_table([measured_row("A", 1.0, metrics={"top1": metric})]).measured
    cell = line.cells[0]
    assert (cell.value, cell.low, cell.high, cell.spread, cell.n) == (1.0, None, None, None, 10)
