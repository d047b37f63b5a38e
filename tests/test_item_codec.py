"""Single items survive their packing into text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loocbench import item_codec
from loocbench.types import Items


@settings(deadline=None)
@given(
    st.one_of(
        arrays.arrays(bool, st.integers(1, 200)),
        arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1, 1, width=16)),
        arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(2, 1e6, width=32)),
    )
)
def test_single_items_survive_the_packing(values):
    packed = Items.model_validate_json(Items.of(values).model_dump_json())
    assert packed.values().dtype == values.dtype
    assert np.array_equal(packed.values(), values)


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1, 1)))
def test_shares_keep_three_digits_and_equal_ones_stay_equal(values):
    kept = Items.of(values).values()
    assert np.abs(kept - values).max() <= 2.0**-12
    assert len(np.unique(kept)) <= len(np.unique(values))


def test_ten_thousand_answers_fit_into_two_kilobytes():
    right = np.random.default_rng(0).random(10_000) < 0.5
    assert len(Items.of(right).model_dump_json()) < 2048


@pytest.mark.parametrize("damage", [{"data": "!"}, {"data": "AAAA"}, {"count": 7}, {"count": 900}])
def test_damaged_items_are_refused(damage):
    packed = Items.of(np.ones(100, dtype=bool)).model_copy(update=damage)
    with pytest.raises(ValueError, match="packed values"):
        packed.values()


def test_text_of_another_number_of_values_is_refused():
    kind, text = item_codec.pack(np.ones(100, dtype=bool))
    assert item_codec.unpack(kind, 100, text).all()
    for count in (9, 1000):
        with pytest.raises(ValueError, match=f"packed values are not {count}"):
            item_codec.unpack(kind, count, text)


def test_whole_numbers_are_kept_exactly():
    classes = np.array([0, 70_001, 3, 12_345_678])
    packed = Items.model_validate_json(Items.of(classes).model_dump_json())
    assert packed.values().dtype == np.int64
    assert packed.values().tolist() == classes.tolist()
