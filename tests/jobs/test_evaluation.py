"""One task on one checkpoint: measured, stored, kept, and refused where what is stored cannot be reused.

Covers ``loocbench.jobs.api`` and ``loocbench.jobs.measurement``.
"""

import json
from dataclasses import replace

import pytest

from loocbench.cards import tasks
from loocbench.data.blooms import make_blooms
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.jobs import evaluation
from loocbench.jobs.api import evaluate
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.records import store
from tests.cli.conftest import loocbench  # noqa: F401  (a fixture)
from tests.conftest import TINY
from tests.jobs.conftest import Heard

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
TASK = "knn/blooms-color"
OF_THE_MOMENT = {"created", "seconds"}


@pytest.fixture
def measured(checkpoint, only_tiny_blooms):
    """The row of a task, and where it is stored."""
    row, path, _ = evaluation.evaluate_task(tasks.load_task(TASK), str(checkpoint), None, EvaluationSettings())
    return row, path


@pytest.fixture
def nothing_is_measured(monkeypatch):
    monkeypatch.setattr(evaluation, "measure", lambda *_: pytest.fail("measured"))


def test_a_task_is_measured_and_stored_where_its_identity_says(measured, tmp_path):
    row, path = measured
    assert (row.task, row.task_version, row.dataset, row.features, row.seed) == (TASK, 2, "blooms", "looc", 0)
    assert row.metrics.keys() == {"top1", "top5", "mean_per_class"}
    assert row.fingerprints.keys() == {"train", "val", "test"}
    assert set(row.seconds) == {"features", "evaluator"}
    assert path.resolve().parents[1] == tmp_path / "results" / "local"
    assert path.name == "knn-blooms-color.v2.looc.s0.json"
    assert store.read_row(path) == row


def test_a_stored_row_is_kept(measured, checkpoint, nothing_is_measured):
    reporter = Heard()
    row, path, _ = evaluation.evaluate_task(
        tasks.load_task(TASK), str(checkpoint), None, EvaluationSettings(), reporter
    )
    assert (row, path) == measured
    assert reporter.messages[-1] == f"measured before, kept: {path} (--overwrite measures again)"


def test_a_row_is_measured_again_on_request_and_says_the_same(checkpoint, measured):
    row, path, _ = evaluation.evaluate_task(
        tasks.load_task(TASK), str(checkpoint), None, EvaluationSettings(overwrite=True)
    )
    assert row.created > measured[0].created
    assert row.model_dump(exclude=OF_THE_MOMENT) == measured[0].model_dump(exclude=OF_THE_MOMENT)
    assert store.read_row(path) == row


def test_what_another_process_measured_meanwhile_is_kept(checkpoint, measured, monkeypatch):
    row, path = measured
    kept = path.read_bytes()
    path.unlink()
    opened = evaluation.open_task(tasks.load_task(TASK), str(checkpoint), None, Session(EvaluationSettings(), Heard()))

    def make_row():
        path.write_bytes(kept)
        return row.model_copy(update={"created": "now"})

    assert evaluation.load_or_measure(opened, EvaluationSettings(), make_row=make_row) == (row, path)
    assert "another process measured it meanwhile" in opened.reporter.messages[-1]


def test_what_another_process_measured_meanwhile_with_other_settings_is_refused(checkpoint, measured):
    """The other process' figure was returned as the one of this checkpoint's settings."""
    row, path = measured
    conditions = row.measured_with.model_copy(update={"numerics": "others"})
    opened = evaluation.open_task(tasks.load_task(TASK), str(checkpoint), None, Session(EvaluationSettings(), Heard()))
    path.unlink()

    def measure_slowly():
        store.write_row(path, row.model_copy(update={"measured_with": conditions}))
        return row

    with pytest.raises(UserError, match="was measured with numerics others, now decoding"):
        evaluation.load_or_measure(opened, EvaluationSettings(), make_row=measure_slowly)


@pytest.mark.usefixtures("nothing_is_measured")
@pytest.mark.parametrize("damage", ["", '{"schema_version": 2, "task": "knn/bl', '{"some": "thing"}'])
def test_a_file_that_is_not_a_row_is_neither_reused_nor_replaced(checkpoint, tmp_path, damage):
    settings = EvaluationSettings()
    opened = evaluation.open_task(tasks.load_task(TASK), str(checkpoint), None, Session(settings))
    path = evaluation.measurement_path(opened, settings, "looc")
    path.parent.mkdir(parents=True)
    path.write_text(damage)
    with pytest.raises(UserError, match=f"^{path} is there, but .*; --overwrite it, or name other --results"):
        evaluation.load_or_measure(opened, settings)
    assert path.read_text() == damage


def test_a_row_of_other_images_is_not_reused(measured, checkpoint, nothing_is_measured, monkeypatch):
    more = make_blooms({**TINY, "test": TINY["test"] + 1})
    monkeypatch.setitem(ENTRIES, "blooms", replace(ENTRIES["blooms"], generate=lambda: more))
    with pytest.raises(UserError, match="was measured on other images of blooms; --overwrite it"):
        evaluation.evaluate_task(tasks.load_task(TASK), str(checkpoint), None, EvaluationSettings())


def test_all_features_are_checked_before_the_first_is_measured(checkpoint, tmp_path):
    settings = EvaluationSettings()
    opened = evaluation.open_task(tasks.load_task(TASK), str(checkpoint), None, Session(settings))
    with pytest.raises(UserError, match="unknown features 'looc9'"):
        evaluation.evaluate_every(opened, ["looc", "looc9"], settings)
    assert not list((tmp_path / "results").rglob("*.json"))
    ((row, path),) = evaluation.evaluate_every(opened, ["looc"], settings)
    assert path.is_file()
    assert row.features == "looc"


@pytest.mark.usefixtures("nothing_is_measured")
def test_data_that_are_absent_are_said_before_a_checkpoint_is_fetched(monkeypatch):
    monkeypatch.setattr("loocbench.checkpoints.locate.load", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(UserError, match="--data-dir"):
        evaluation.evaluate_task(tasks.load_task("linear/dtd"), "timm:resnet50", None, EvaluationSettings())


def test_python_and_the_command_line_measure_the_same(checkpoint, tmp_path, loocbench):  # noqa: F811
    said = loocbench("knn", "--label", "color", "--checkpoint", checkpoint, "--results", "by-command", "--json")
    assert said.code == 0, said.err
    (path,) = (tmp_path / "by-command").rglob("*.json")
    by_command = store.read_row(path)
    row = evaluate(checkpoint, TASK, results="by-python")
    assert row.model_dump(exclude=OF_THE_MOMENT) == by_command.model_dump(exclude=OF_THE_MOMENT)
    assert {name: metric.value for name, metric in row.metrics.items()} == {
        name: metric["value"] for name, metric in json.loads(said.out)["metrics"].items()
    }
    assert evaluate(checkpoint, TASK, results="by-command") == by_command  # kept


def test_python_can_measure_without_storing(checkpoint, measured, tmp_path):
    row, path = measured
    path.unlink()
    again = evaluate(checkpoint, tasks.load_task(TASK), results=None)
    assert again.model_dump(exclude=OF_THE_MOMENT) == row.model_dump(exclude=OF_THE_MOMENT)
    assert not list((tmp_path / "results").rglob("*.json"))


def test_a_row_states_which_damaged_images_were_left_out(checkpoint, damaged_birds):
    root, victim = damaged_birds
    with pytest.raises(UserError, match=f"{victim} is damaged"):
        evaluate(checkpoint, "knn/cub200", data_dir=root, results=None)
    row = evaluate(checkpoint, "knn/cub200", data_dir=root, skip_damaged=True, results=None)
    assert [item.rsplit("/", 1)[-1] for item in row.skipped] == [victim]
    assert row.dataset_note.endswith("1 damaged left out")


def test_the_seconds_of_a_second_measurement_are_its_own(checkpoint):
    """Features come from the cache then."""
    opened = evaluation.open_task(tasks.load_task(TASK), str(checkpoint), None, Session(EvaluationSettings()))
    first, second = evaluation.measure(opened), evaluation.measure(opened)
    assert second.seconds["features"] < first.seconds["features"]
    assert first.seconds["features"] + second.seconds["features"] == pytest.approx(opened.clock.seconds, abs=0.002)
