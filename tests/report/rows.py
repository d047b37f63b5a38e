"""Rows of measured models for tests of reports."""

from loocbench.types import Metric
from tests.conftest import tiny_recipe
from tests.records.rows import make_row


def measured_row(model, value, *, seed=0, measuring_seed=0, task="linear/blooms", method="looc++", **changes):
    metric = Metric(value=value, low=value - 0.02, high=value + 0.04, n=100)
    values = {"model": model, "task": task, "checkpoint": model, "metrics": {"top1": metric}, "seed": measuring_seed}
    return make_row(**{**values, "recipe": tiny_recipe(method, seed=seed), **changes})


HOSTILE = r"a|b `c` *d* <e> _f_ \g $h$ {i} #j ~k ^l %m & n [o](p) 日本 é" + "\nnext"
