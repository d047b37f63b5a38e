"""The best and second best figures of a column.

Covers ``loocbench.report.table.ranking``.
"""

from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Metric
from tests.report.rows import measured_row


def test_figures_within_the_uncertainty_are_all_best_and_all_second():
    values = {"A": 0.70, "B": 0.67, "C": 0.60, "D": 0.58, "E": 0.40}  # each with a half interval of 0.03
    lines = build_table([measured_row(name, value) for name, value in values.items()]).measured
    assert {line.model: line.cells[0].rank for line in lines} == {
        "A": "best", "B": "best", "C": "second", "D": "second", "E": ""
    }  # fmt: skip


def test_of_two_lines_none_is_second():
    lines = build_table([measured_row("A", 0.7), measured_row("B", 0.5)]).measured
    assert [line.cells[0].rank for line in lines] == ["best", ""]


def test_less_is_better_of_a_loss_and_neither_of_an_invariance():
    def sensitivity(name, value):
        metric = Metric(value=value, low=value - 0.01, high=value + 0.01, n=100)
        metrics = {"hue_top1_loss": metric, "hue_invariance": metric}
        return measured_row(name, 0.5, task="sensitivity/blooms", metrics=metrics)

    built = build_table([sensitivity("A", 0.1), sensitivity("B", 0.4)], TableOptions(every_metric=True))
    ranks = {
        column.metric: [line.cells[place].rank for line in built.measured] for place, column in enumerate(built.columns)
    }
    assert ranks == {"hue_top1_loss": ["best", ""], "hue_invariance": ["", ""]}


def test_a_model_on_its_own_is_not_best():
    assert not build_table([measured_row("A", 0.6)]).measured[0].cells[0].rank
