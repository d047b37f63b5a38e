"""Keys of cached features, which can never give another model's, and what their files say about themselves."""

from dataclasses import replace

import numpy as np
import pytest

import loocbench
from loocbench.data import blooms
from loocbench.features import cache_keys
from loocbench.features.inference_config import InferenceConfig
from loocbench.types import UNCHANGED, Change


def test_everything_that_determines_the_features_is_in_the_key(trained, tiny_blooms):
    looc, moco = loocbench.load(trained["looc"]), loocbench.load(trained["moco"])
    other = blooms.make_blooms({"train": 96, "val": 48, "test": 64}, seed=1)
    test, hue = tiny_blooms.splits["test"], Change("hue", 30)
    changes = [UNCHANGED, hue, Change("hue", 60), replace(hue, drawn=True), replace(hue, view=1), replace(hue, seed=1)]

    key = cache_keys.features_key
    found = {
        *(key(looc, tiny_blooms, test, change, None) for change in changes),
        key(looc, tiny_blooms, test, UNCHANGED, np.arange(3)),
        key(looc, tiny_blooms, tiny_blooms.splits["val"], UNCHANGED, None),
        key(looc, other, other.splits["test"], UNCHANGED, None),
        key(moco, tiny_blooms, test, UNCHANGED, None),
    }
    for config in (InferenceConfig("bfloat16"), InferenceConfig(compiled=True)):
        other_numerics = loocbench.load(trained["looc"])
        other_numerics.inference = config
        found.add(key(other_numerics, tiny_blooms, test, UNCHANGED, None))
    changed = loocbench.load(trained["looc"])
    changed.preprocessing = changed.preprocessing.model_copy(update={"resize": 20})
    found.add(key(changed, tiny_blooms, test, UNCHANGED, None))
    assert len(found) == len(changes) + 7


@pytest.mark.parametrize(
    ("change", "expected"),
    [(Change("rotation", 0), UNCHANGED), (Change("rotation", 90), None), (Change("hue", 0, view=1), None)],
)
def test_a_change_of_no_strength_is_no_change(change, expected):
    found, rows = cache_keys.canonical(change, np.arange(5), 5)
    assert rows is None
    assert (found == UNCHANGED) == (expected == UNCHANGED)


def test_other_rows_than_all_in_order_are_kept():
    for rows in (np.array([0, 1]), np.array([1, 0, 2])):
        assert cache_keys.canonical(UNCHANGED, rows, 3)[1] is rows


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (UNCHANGED, ""),
        (Change("hue", 30), "hue 30"),
        (Change("texture", 0.5, view=2), "texture 0.5, view 2"),
        (Change("hue", drawn=True, seed=4), "hue drawn"),
    ],
)
def test_a_change_is_named(change, text):
    assert cache_keys.format_change(change) == text
