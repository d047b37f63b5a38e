"""The store: rows survive a round trip; unreadable files are named, never deleted."""

import json

import pytest

from loocbench.records import store
from loocbench.types import Row
from tests.records.rows import make_path, make_row


def test_a_row_survives_the_round_trip_where_its_identity_says(tmp_path):
    kept = make_row(features="head:color", seed=2)
    path = make_path(tmp_path, "mine", kept)
    store.write_row(path, kept)
    assert path == tmp_path / "mine" / "a-run-01234567" / "linear-blooms.v1.head-color.s2.json"
    assert list(store.read_rows(tmp_path, "mine")) == [kept]


def test_torn_and_foreign_files_are_reported_and_left(tmp_path):
    path = make_path(tmp_path, "mine", make_row())
    store.write_row(path, make_row())
    torn, foreign = path.with_name("torn.json"), path.with_name("foreign.json")
    torn.write_text(path.read_text()[:100])
    foreign.write_text('{"some": "thing"}')
    found = list(store.read_rows(tmp_path, "mine"))
    assert [entry for entry in found if isinstance(entry, Row)] == [make_row(created=found[1].created)]
    assert {entry.path for entry in found if isinstance(entry, store.UnreadableRow)} == {torn, foreign}
    assert torn.exists()
    assert foreign.exists()


def test_a_copy_of_a_row_is_no_second_measurement(tmp_path):
    """A folder that was copied before its row was measured again was averaged with the new row."""
    old, new = make_row(hardware="old"), make_row(hardware="new")
    path = make_path(tmp_path, "mine", new)
    copies = [path.parents[1] / f"{folder}" / path.name for folder in ("a-copy", "backup")]
    for copy in copies:
        store.write_row(copy, old)
    said = f"it is of the same measurement as {copies[0]}"
    assert list(store.read_rows(tmp_path, "mine")) == [old, store.UnreadableRow(copies[1], said)]
    store.write_row(path, new)
    said = f"it is of the same measurement as {path}"
    found = list(store.read_rows(tmp_path, "mine"))
    assert [entry for entry in found if isinstance(entry, Row)] == [new]
    assert [entry for entry in found if not isinstance(entry, Row)] == [
        store.UnreadableRow(copy, said) for copy in copies
    ]


def test_without_overwrite_the_row_that_is_there_stays(tmp_path):
    first, second = make_row(hardware="first"), make_row(hardware="second")
    path = make_path(tmp_path, "mine", first)
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
    path = make_path(tmp_path, "mine", make_row())
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (found,) = store.read_rows(tmp_path, "mine")
    assert reason in found.reason
    assert path.read_text() == text


def test_a_row_of_weights_from_elsewhere_has_no_recipe(tmp_path):
    foreign = make_row(recipe=None, source="torchvision", epochs=None)
    path = make_path(tmp_path, "mine", foreign)
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
    path = make_path(tmp_path, "mine", make_row())
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**make_row().model_dump(mode="json"), **changes}))
    assert store.read_row(path) == store.UnreadableRow(path, f"{where}: input should be a finite number")
    with pytest.raises(ValueError, match="finite number"):
        make_row(**changes)
