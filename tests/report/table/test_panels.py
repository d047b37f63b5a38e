"""Panels of curves and sensitivity matrices: means of rows on one copy of the data.

Covers loocbench.report.table.panels, loocbench.report.table.matrices and loocbench.report.table.averages.
"""

import pytest

from loocbench.cards import tasks
from loocbench.report.table import columns, matrices, panels
from loocbench.report.table.averages import average_rows
from loocbench.report.table.experiments import group_rows
from loocbench.types import Metric
from tests.report.rows import measured_row


def test_curves_and_matrices_are_of_one_copy_of_the_data():
    def of(value, note):
        metrics = {
            f"{name}_invariance": Metric(value=value, low=0, high=1, n=9)
            for name in tasks.load_task("sensitivity/blooms").protocol.changes
        }
        curve = [{"hue": angle, "invariance": value} for angle in (30.0, 60.0)]
        return measured_row(
            "A", 0.5, task="sensitivity/blooms", metrics=metrics, curve=curve, dataset_note=note, method="moco"
        )

    rows = [of(0.9, ""), of(0.1, "subset 9")]
    known, experiments = columns.load_cards(rows), group_rows(rows)
    chosen = columns.choose_columns(rows, known, every_metric=True, metrics=())
    found = {panel.title: panel.series[0].points[0][1] for panel in panels.curve_panels(chosen, known, experiments)}
    title = known["sensitivity/blooms"].title
    assert found == {title: 0.9, f"{title} [subset 9]": 0.1}
    shown = {
        one.title: one.rows[0].metrics["hue_invariance"].value for one in matrices.build_matrices(experiments, known)
    }
    assert shown == found


def test_a_matrix_over_several_seeds_has_their_interval_and_not_that_over_images():
    rows = []
    for seed, value in enumerate((0.4, 0.5, 0.6)):
        metrics = {"hue_equivariance": Metric(value=value, low=value - 0.01, high=value + 0.01, n=100)}
        rows.append(measured_row("A", 0.5, seed=seed, metrics=metrics, checkpoint_hash=f"{seed}" * 64))
    found = average_rows(rows).metrics["hue_equivariance"]
    half = 4.302653 * 0.1 / 3**0.5  # Student's with two degrees of freedom
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-6)


def test_single_spaces_are_left_out_first_and_counted():
    rows = [
        measured_row(
            "A",
            0.5,
            features=name,
            task="linear/blooms",
            curve=[{"lambda": 0.1, "val_top1": 0.5}, {"lambda": 1.0, "val_top1": 0.4}],
        )
        for name in ("looc", *(f"head:{number:02}" for number in range(panels.MAX_SERIES)), "looc++")
    ]
    known, experiments = columns.load_cards(rows), group_rows(rows)
    chosen = columns.choose_columns(rows, known, every_metric=False, metrics=())
    (panel,) = panels.curve_panels(chosen, known, experiments)
    names = [one.name for one in panel.series]
    assert (len(names), panel.left_out) == (panels.MAX_SERIES, 2)
    assert {"A, looc", "A, looc++"} < set(names)
