"""Figures that contradict one another are neither read nor stored."""

import json

import numpy as np
import pytest

from loocbench.evaluators import KINDS, measures_shares
from loocbench.records import consistency, store
from loocbench.types import Items, Metric
from tests.records.rows import make_path, make_row

RIGHT = np.arange(100) < 38


def row_of(value, low, high, name="top1", task="knn/cub200", items=None, most=None):
    metrics = {name: Metric(value=value, low=low, high=high, n=100)}
    scale = {} if most is None else {"most": {name: most}}
    return make_row(task=task, metrics=metrics, scale=scale, items={} if items is None else {name: Items.of(items)})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (row_of(0.38, 0.3, 0.5, items=RIGHT), ""),
        (row_of(0.38, 0.39, 0.5), "its top1 0.38 is not within its interval 0.39 to 0.5"),
        (row_of(1.376, 0.3, 1.4), "its top1 1.376 is not within 0 to 1"),
        (row_of(0.48, 0.3, 0.5, items=RIGHT), "its top1 0.48 is not the mean of its items, 0.38"),
        (row_of(-0.1, -0.2, 0.0), "its top1 -0.1 is not within 0 to 1"),
        (row_of(-0.1, -0.2, 0.0, "hue_top1_loss", "sensitivity/cub200"), ""),
        (row_of(-1.5, -2.0, -1.0, "hue_equivariance", "sensitivity/cub200"), ""),
        (
            row_of(1.5, 1.0, 2.0, "hue_equivariance", "sensitivity/cub200"),
            "its hue_equivariance 1.5 is not within -1 to 1",
        ),
        (row_of(17.0, 10.0, 20.0, "speed", "another/kind"), ""),
        (row_of(17.0, 17.0, 17.0, "rankme", "spectrum/cub200"), ""),
        (row_of(0.5, 0.5, 0.5, "lidar", "spectrum/cub200"), "its lidar 0.5 is not within 1 to inf"),
        (row_of(17.0, 17.0, 17.0, "rankme", "spectrum/cub200", most=16), "its rankme 17 is not within 1 to 16"),
        (row_of(0.3333, 0.3, 0.5, "class_map", items=np.full(100, 1 / 3)), ""),
        (row_of(0.38, 0.3, 0.5, items=np.arange(50) < 19), "its top1 is over 100 items, of which 50 are stored"),
    ],
)
def test_what_figures_can_be(row, said):
    assert consistency.find_contradiction(row) == said


@pytest.mark.parametrize("kind", KINDS)
def test_the_metrics_of_every_kind_have_a_range(kind):
    value = 1.376 if measures_shares(f"{kind}/cub200") else 0.376
    assert "is not within" in consistency.find_contradiction(row_of(value, 0.3, 1.4, task=f"{kind}/cub200"))


def test_a_row_that_contradicts_itself_is_neither_stored_nor_read(tmp_path):
    """Issue 18, item 4: ``value`` 0.376 -> 1.376 was accepted, and so is no row of an older schema."""
    path = make_path(tmp_path, "mine", make_row())
    with pytest.raises(ValueError, match="not stored"):
        store.write_row(path, row_of(1.376, 0.3, 0.5))
    store.write_row(path, make_row())
    fields = json.loads(path.read_text())
    fields["metrics"]["top1"]["value"] = 1.5
    path.write_text(json.dumps(fields))
    assert "its checksum" in store.read_row(path).reason
    del fields["checksum"], fields["measured_with"], fields["checkpoint_number"]
    path.write_text(json.dumps({**fields, "schema_version": 2}))
    assert store.read_row(path).reason == "its top1 1.5 is not within its interval 0.4 to 0.6"


@pytest.mark.skipif(not hasattr(__import__("os"), "mkfifo"), reason="no FIFOs")
def test_a_fifo_in_a_rows_place_is_said_and_does_not_hang(tmp_path):
    import os

    path = make_path(tmp_path, "mine", make_row())
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert store.read_row(path) == store.UnreadableRow(path, "it is not a file")
