"""``loocbench.results.load()``: the store as a pandas table with documented columns."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from loocbench import results
from loocbench.errors import UserError
from loocbench.records import frame, store
from tests.records.rows import make_path, make_row

CHECKOUT = Path(__file__).parents[1]


def test_every_metric_of_every_row_is_a_line(tmp_path):
    for suite, seed in (("a", 0), ("a", 1), ("b", 0)):
        kept = make_row(seed=seed)
        store.write_row(make_path(tmp_path, suite, kept), kept)
    loaded = results.load(tmp_path)
    assert loaded[["suite", "seed"]].values.tolist() == [["a", 0], ["a", 1], ["b", 0]]
    assert loaded.value.tolist() == [0.5] * 3
    assert len(results.load(tmp_path, "b")) == 1


def test_the_committed_results_are_read_with_all_their_figures():
    loaded = results.load(CHECKOUT / "results", "blooms")
    assert loaded.groupby(["model", "features"]).ngroups == 17
    assert set(loaded.pretraining_seed) == {0, 1, 2}
    assert loaded.value.between(loaded.low, loaded.high).all()


def test_columns_and_types_are_the_documented_ones_also_where_little_is_known(tmp_path):
    store.write_row(make_path(tmp_path, "a", make_row()), make_row(recipe=None, epochs=None, certificate=None))
    loaded = results.load(tmp_path)
    for table in (loaded, loaded.iloc[:0], frame.rows_to_frame([])):
        assert list(table.columns) == list(frame.COLUMNS)
        assert table.dtypes.equals(frame.rows_to_frame([make_row()]).dtypes)
    assert pd.isna(loaded.pretraining_seed[0])
    assert pd.isna(loaded.epochs[0])
    assert all(re.search(rf"^ +- (?:\w+, )*{name}\b", results.load.__doc__, re.MULTILINE) for name in frame.COLUMNS)
    documented = re.findall(r"^\| `(\w+)` \|", (CHECKOUT / "docs" / "results.md").read_text(), flags=re.MULTILINE)
    assert set(frame.COLUMNS) <= set(documented)


def test_a_torn_file_is_named_in_a_warning(tmp_path):
    path = make_path(tmp_path, "a", make_row())
    store.write_row(path, make_row())
    shutil.copy(path, path.with_name("torn.json"))
    path.with_name("torn.json").write_text("{")
    with pytest.warns(UserWarning, match=r"torn\.json: it is truncated"):
        assert len(results.load(tmp_path)) == 1


def test_a_folder_or_suite_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no results in"):
        results.load(tmp_path / "nowhere")
    store.write_row(make_path(tmp_path, "a", make_row()), make_row())
    with pytest.raises(UserError, match="There are: a"):
        results.load(tmp_path, "b")
