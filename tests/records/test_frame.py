"""Rows as a pandas table."""

from loocbench.records import frame
from loocbench.types import Metric
from tests.records.rows import make_row


def test_the_frame_has_a_line_a_metric():
    metric = Metric(value=0.5, low=0.4, high=0.6, n=100)
    table = frame.rows_to_frame([make_row(metrics={"top1": metric, "top5": metric}), make_row(seed=1)])
    assert len(table) == 3
    assert table.value.tolist() == [0.5] * 3
    assert table.model.unique().tolist() == ["LooC++ (color, rotation)"]
