"""The store under stress: two writers, a killed writer, files that are no rows, older and newer schemas."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loocbench.records import store
from loocbench.types import Items, Recipe, Row
from tests.records.test_store import place, row

WRITER = """
import sys
from pathlib import Path
from loocbench.records import store
from tests.records.test_store import place, row
results, first, count, padding = Path(sys.argv[1]), *map(int, sys.argv[2:5])
stated = {"padding": "x" * padding}
for number in range(first, first + count):
    kept = row(seed=number, stated=stated)
    store.write_row(place(results, "mine", kept), kept, overwrite=padding > 0)
"""


def writer(results, first, count, padding=0):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(results), str(first), str(count), str(padding)],
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_two_processes_writing_500_rows_each_lose_none(tmp_path):
    both = [writer(tmp_path, first, 500) for first in (0, 500)]
    assert [process.wait() for process in both] == [0, 0]
    found = list(store.read_rows(tmp_path, "mine"))
    assert {entry.seed for entry in found if isinstance(entry, Row)} == set(range(1000))
    assert len(found) == 1000


@pytest.mark.slow
def test_two_processes_writing_the_same_rows_leave_one_whole_row_each(tmp_path):
    both = [writer(tmp_path, 0, 100) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    found = list(store.read_rows(tmp_path, "mine"))
    assert [type(entry) for entry in found] == [Row] * 100
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_a_killed_writer_leaves_no_torn_row(tmp_path):
    generator = random.Random(0)
    for attempt in range(3):
        process = writer(tmp_path, 0, 100_000, padding=300_000)  # large rows: most of the time is spent in writing
        deadline = time.monotonic() + 60
        while not any(tmp_path.glob("mine/*/*.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1 + 0.3 * generator.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = list(store.read_rows(tmp_path, "mine"))
        assert found, attempt
        assert all(isinstance(entry, Row) for entry in found)


def test_without_overwrite_the_row_that_is_there_stays(tmp_path):
    first, second = row(hardware="first"), row(hardware="second")
    path = place(tmp_path, "mine", first)
    assert store.write_row(path, first, overwrite=False)
    assert not store.write_row(path, second, overwrite=False)
    assert store.read_row(path).hardware == "first"
    assert store.write_row(path, second)
    assert store.read_row(path).hardware == "second"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "truncated"),
        ('{"schema_version": 2, "task": "linear/bl', "truncated"),
        ("[1, 2]", "not a row of loocbench"),
        ('{"some": "thing"}', "not a row of loocbench"),
        ('{"schema_version": 99, "of": "the future"}', "newer loocbench (row schema 99"),
        ('{"schema_version": 2}', "task: field required"),
        ('{"schema_version": 1}', "does not name a network"),
        ('{"schema_version": "x"}', "not a row of loocbench"),
    ],
)
def test_what_is_no_row_is_named_and_left(tmp_path, text, reason):
    path = place(tmp_path, "mine", row())
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (found,) = store.read_rows(tmp_path, "mine")
    assert reason in found.reason
    assert path.read_text() == text


def test_a_row_of_the_first_schema_is_read_as_todays():
    folder = Path(__file__).parents[2] / "results" / "demo-three-seeds"
    path = sorted(folder.glob("*/linear-blooms.*.json"))[0]
    before = path.read_bytes()
    assert json.loads(before)["schema_version"] == 1
    found = store.read_row(path)
    assert (found.schema_version, found.backbone, found.image_size) == (2, "resnet8", 32)
    assert found.source == ""
    assert found.items == {}
    assert isinstance(found.recipe, Recipe)
    assert path.read_bytes() == before


def test_a_row_of_weights_from_elsewhere_has_no_recipe(tmp_path):
    foreign = row(recipe=None, source="torchvision", epochs=None)
    path = place(tmp_path, "mine", foreign)
    store.write_row(path, foreign)
    assert store.read_row(path) == foreign
    assert foreign.pretraining_seed is None


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ("metrics.top1.value", {"metrics": {"top1": {"value": float("nan"), "low": 0, "high": 1, "n": 3}}}),
        ("curve.0.val_top1", {"curve": [{"lambda": 1.0, "val_top1": float("nan")}]}),
        ("scale.random.top1", {"scale": {"random": {"top1": float("inf")}}}),
        ("certificate", {"certificate": float("inf")}),
    ],
)
def test_a_row_of_what_is_no_number_is_passed_over(tmp_path, where, changes):
    """Such a row would be the best of its column, and make JSON that no other program reads."""
    path = place(tmp_path, "mine", row())
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**row().model_dump(mode="json"), **changes}))
    assert store.read_row(path) == store.UnreadableRow(path, f"{where}: input should be a finite number")
    with pytest.raises(ValueError, match="finite number"):
        row(**changes)


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


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_torn_file_in_a_rows_place_is_not_replaced_unasked(tmp_path):
    from typer.testing import CliRunner

    from loocbench.cli import app

    def loocbench(*arguments):
        return CliRunner().invoke(app, [str(part) for part in arguments])

    command = ("probe", "--checkpoint", "random:resnet8")
    assert loocbench(*command).exit_code == 0
    (path,) = (tmp_path / "results" / "local").glob("*/*.json")
    path.write_text(path.read_text()[:500])
    said = loocbench(*command)
    assert said.exit_code == 2
    assert "--overwrite it, or name other --results" in said.stderr
    assert len(path.read_text()) == 500
    assert loocbench(*command, "--overwrite").exit_code == 0
    measured = store.read_row(path)
    assert measured.items["top1"].values().mean() == pytest.approx(measured.metrics["top1"].value)


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_name_that_is_too_long_for_a_file_is_refused_before_any_work(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from loocbench.cli import app

    assert store.MAX_NAME_BYTES + len("..12345678.part") <= 255
    monkeypatch.setattr(store, "MAX_NAME_BYTES", 10)
    said = CliRunner().invoke(app, ["probe", "--checkpoint", "random:resnet8"])
    assert said.exit_code == 2, said.output
    assert "is too long for a file's name; shorten the checkpoint's name, or join fewer features." in said.stderr
    assert not list((tmp_path / "results").glob("*/*"))
