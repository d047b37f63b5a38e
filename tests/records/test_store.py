"""The store: rows survive a round trip; torn and foreign files are named, never deleted."""

from loocbench import provenance
from loocbench.records import frame, store
from loocbench.types import Metric, Row
from tests.conftest import tiny_recipe


def row(**changes) -> Row:
    values = {
        "task": "linear/blooms",
        "task_version": 1,
        "dataset": "blooms",
        "fingerprints": {"test": "f"},
        "edition": "e",
        "pretraining_fingerprint": "p",
        "features": "looc++",
        "checkpoint": "a-run",
        "checkpoint_hash": "0123456789abcdef",
        "model": "LooC++ (color, rotation)",
        "backbone": "resnet8",
        "image_size": 16,
        "pretrained_on": "blooms",
        "epochs": 3,
        "recipe": tiny_recipe("looc++"),
        "seed": 0,
        "metrics": {"top1": Metric(value=0.5, low=0.4, high=0.6, n=100)},
        "chosen": {"lambda": 0.1},
        "curve": [{"lambda": 0.1, "val_top1": 0.5}],
        "certificate": 1e-6,
        "seconds": {"features": 1.0},
        "versions": {"torch": "2"},
        "hardware": "a machine",
        "created": provenance.now(),
    }
    return Row(**{**values, **changes})


def place(results, suite, kept: Row):
    return store.row_path(
        results, suite, kept.checkpoint, kept.checkpoint_hash, kept.task, kept.task_version, kept.features, kept.seed
    )


def test_a_row_survives_the_round_trip_where_its_identity_says(tmp_path):
    kept = row(features="head:color", seed=2)
    path = place(tmp_path, "mine", kept)
    store.write_row(path, kept)
    assert path == tmp_path / "mine" / "a-run-01234567" / "linear-blooms.v1.head-color.s2.json"
    assert list(store.read_rows(tmp_path, "mine")) == [kept]


def test_torn_and_foreign_files_are_reported_and_left(tmp_path):
    path = place(tmp_path, "mine", row())
    store.write_row(path, row())
    torn, foreign = path.with_name("torn.json"), path.with_name("foreign.json")
    torn.write_text(path.read_text()[:100])
    foreign.write_text('{"some": "thing"}')
    found = list(store.read_rows(tmp_path, "mine"))
    assert [entry for entry in found if isinstance(entry, Row)] == [row(created=found[1].created)]
    assert {entry.path for entry in found if isinstance(entry, store.UnreadableRow)} == {torn, foreign}
    assert torn.exists()
    assert foreign.exists()


def test_the_frame_has_a_line_a_metric():
    metric = Metric(value=0.5, low=0.4, high=0.6, n=100)
    table = frame.rows_to_frame([row(metrics={"top1": metric, "top5": metric}), row(seed=1)])
    assert len(table) == 3
    assert table.value.tolist() == [0.5] * 3
    assert table.model.unique().tolist() == ["LooC++ (color, rotation)"]
