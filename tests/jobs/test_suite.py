"""Running a suite: what is missing is measured, a job that fails stops no other, and nothing is trained in vain.

Covers ``loocbench.jobs.suite_work``, ``loocbench.jobs.suite_summary``.
"""

import json

import pytest

from loocbench.cards import suites, tasks
from loocbench.errors import UserError
from loocbench.executors.site import Site
from loocbench.jobs import evaluation, suite, suite_jobs, suite_plan, suite_summary, suite_work
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from tests.jobs.conftest import Heard
from tests.jobs.test_suite_plan import SETTINGS, make_suite, states

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
TASKS = ("knn/blooms", "linear/dtd", "retrieval/blooms")


def run(card, *references, settings=SETTINGS, reporter=None, features=()):
    """Plan and run a suite; the rows that could not be measured, with the reasons."""
    session = Session(settings, reporter or Heard())
    models = suite_plan.plan_suite(card, session, settings, references=references, features=features)
    jobs = suite_jobs.list_jobs(card, models, site=Site(), gpus=0, overwrite=settings.overwrite)
    return suite.run_suite(card, jobs, session, settings)


def rows_in(folder):
    return sorted(json.loads(path.read_text())["task"] for path in folder.rglob("*.json"))


def test_a_job_that_cannot_be_done_stops_no_other(checkpoint, tmp_path):
    reporter = Heard()
    failed = run(make_suite(*TASKS), str(checkpoint), reporter=reporter)
    assert [row.task.task for row, _ in failed] == ["linear/dtd"]
    assert "--data-dir" in failed[0][1]
    assert rows_in(tmp_path / "results" / "own") == ["knn/blooms", "retrieval/blooms"]
    assert [line.split(":")[0] for line in reporter.messages if line.startswith("[")] == [
        "[1/2] knn/blooms",
        "[2/2] retrieval/blooms",
    ]


def test_data_sets_are_opened_once_for_all_jobs(checkpoint, monkeypatch):
    from loocbench.data import opening

    opened = []
    real = opening.open_dataset
    monkeypatch.setattr(
        opening, "open_dataset", lambda name, *rest, **more: (opened.append(name), real(name, *rest, **more))[1]
    )
    run(make_suite("knn/blooms", "retrieval/blooms"), str(checkpoint), "random:resnet8")
    assert opened == ["blooms"]


def test_rows_that_are_there_are_kept_without_opening_anything(checkpoint, monkeypatch):
    card = make_suite("knn/blooms")
    run(card, str(checkpoint))
    monkeypatch.setattr(Session, "open_task", lambda *_: pytest.fail("opened"))
    reporter = Heard()
    assert run(card, str(checkpoint), reporter=reporter) == []
    assert reporter.messages == []


def test_kept_rows_whose_data_are_gone_are_no_failure(checkpoint, monkeypatch):
    card = make_suite("knn/blooms")
    run(card, str(checkpoint))

    def gone(self, name, limit=0):
        raise UserError("the data are gone")

    monkeypatch.setattr(Session, "open_dataset", gone)
    assert run(card, str(checkpoint)) == []
    ((job, reason),) = run(card, str(checkpoint), settings=EvaluationSettings(suite="own", overwrite=True))
    assert (job.task.task, reason) == ("knn/blooms", "the data are gone")


def test_a_blocked_row_is_told_and_measured_only_on_request(checkpoint, tmp_path):
    card = make_suite("knn/blooms", "retrieval/blooms")
    path = evaluation.evaluate_task(tasks.load_task("knn/blooms"), str(checkpoint), None, SETTINGS)[1]
    path.write_text("{")
    ((job, reason),) = run(card, str(checkpoint))
    assert (job.task.task, reason.startswith(f"{path} is there, but it is truncated")) == ("knn/blooms", True)
    assert path.read_text() == "{"
    reporter = Heard()
    assert run(card, str(checkpoint), settings=EvaluationSettings(suite="own", overwrite=True), reporter=reporter) == []
    assert [line.split()[0] for line in reporter.messages if line.startswith("[")] == ["[1/2]", "[2/2]"]
    assert rows_in(tmp_path / "results" / "own") == ["knn/blooms", "retrieval/blooms"]


@pytest.mark.parametrize("trouble", ["absent data", "torn row"])
def test_nothing_is_trained_for_a_suite_that_cannot_be_finished(tmp_path, trouble, monkeypatch):
    monkeypatch.setattr(suite_work, "train_recipe", lambda *_, **__: pytest.fail("trained"))
    models = tuple(suites.SuiteModel(method=method, features=("looc",)) for method in ("random", "moco"))
    card = make_suite("knn/blooms", *(["linear/dtd"] if trouble == "absent data" else []), models=models)
    if trouble == "torn row":
        (untrained, _) = suite_plan.plan_suite(card, Session(SETTINGS), SETTINGS)
        untrained.rows[0].path.parent.mkdir(parents=True)
        untrained.rows[0].path.write_text("{")
    message = {"absent data": r"^linear/dtd: .*--data-dir", "torn row": "it is truncated.*; delete that file"}
    with pytest.raises(UserError, match=message[trouble]):
        run(card)
    assert not (tmp_path / "runs").exists()
    assert len(list((tmp_path / "results").rglob("*.json"))) == (trouble == "torn row")


def test_untrained_models_alone_are_measured_and_pictured(tmp_path):
    models = (
        suites.SuiteModel(method="random", features=("looc",), pictured=True),
        suites.SuiteModel(method="random", features=("looc",), seeds=(1,)),
    )
    card = make_suite("retrieval/blooms", models=models)
    for _ in ("measured", "kept"):
        assert run(card) == []
    models, session = suite_plan.plan_suite(card, Session(SETTINGS), SETTINGS), Session(SETTINGS)
    opened = suite_summary.open_pictured(models, session, SETTINGS)
    assert {task: [one.encoder.card.name for one in every] for task, every in opened.items()} == {
        "retrieval/blooms": ["random-resnet8-s0"]
    }
    summary = suite_summary.summarise_suite(models, session, SETTINGS)
    assert summary.pictures[0].name == "gallery-retrieval-blooms.s0.png"
    assert all(path.is_file() for path in (*summary.files, *summary.pictures))
    (model, _) = suite_plan.plan_suite(card, Session(SETTINGS), SETTINGS)
    assert set(states(model).values()) == {"kept"}


def test_processes_that_cannot_share_a_batchs_groups_are_refused_before_they_are_handed_out(tmp_path):
    card = make_suite("knn/blooms", models=(suites.SuiteModel(method="moco", features=("looc",)),))
    session = Session(SETTINGS, Heard())
    models = suite_plan.plan_suite(card, session, SETTINGS)
    site = Site(pretrain={"processes": 2})
    jobs = suite_jobs.list_jobs(card, models, site=site, gpus=0, overwrite=False)
    with pytest.raises(
        UserError, match=r"2 processes .* set groups = 2, or a multiple, in \[budget\] of the suite own"
    ):
        suite.run_suite(card, jobs, session, SETTINGS, suite.Engine("slurm", site))
    assert not (tmp_path / "runs").exists()


def test_a_suite_without_a_row_has_no_table():
    assert suite_summary.summarise_suite([], Session(SETTINGS), SETTINGS) is None


def test_damaged_images_are_left_out_of_suites_too(checkpoint, damaged_birds, tmp_path):
    root, victim = damaged_birds
    card = make_suite("knn/cub200")
    ((_, reason),) = run(card, str(checkpoint), settings=EvaluationSettings(suite="own", data_dir=root))
    assert f"{victim} is damaged" in reason
    assert run(card, str(checkpoint), settings=EvaluationSettings(suite="own", data_dir=root, skip_damaged=True)) == []
    (path,) = (tmp_path / "results" / "own").rglob("*.json")
    assert [item.rsplit("/", 1)[-1] for item in json.loads(path.read_text())["skipped"]] == [victim]


def test_a_pretraining_that_fails_takes_its_rows_and_no_others(tmp_path, monkeypatch):
    real = suite_work.train_recipe

    def train_recipe(recipe, *rest, **more):
        if recipe.method == "moco":
            raise UserError("the loss is not finite")
        return real(recipe, *rest, **more)

    monkeypatch.setattr(suite_work, "train_recipe", train_recipe)
    models = tuple(suites.SuiteModel(method=method, features=("looc",)) for method in ("moco", "looc"))
    failed = run(make_suite("knn/blooms", "retrieval/blooms", models=models))
    assert [(row.task.task, reason) for row, reason in failed] == [
        (task, "own-moco-blooms-s0 was not pretrained: the loss is not finite")
        for task in ("knn/blooms", "retrieval/blooms")
    ]
    assert rows_in(tmp_path / "results" / "own") == ["knn/blooms", "retrieval/blooms"]
    monkeypatch.setattr(suite_work, "train_recipe", real)
    assert run(make_suite("knn/blooms", "retrieval/blooms", models=models)) == []  # the same command goes on
    assert len(rows_in(tmp_path / "results" / "own")) == 4


def test_checkpoints_of_the_epochs_that_a_model_is_to_keep_are_kept(tmp_path):
    models = (suites.SuiteModel(method="moco", features=("looc",), keep_epochs=(1,)),)
    assert run(make_suite("knn/blooms", models=models)) == []
    (kept,) = (tmp_path / "runs").rglob("epoch-*")
    assert kept.name == "epoch-0001.safetensors"
    kept.unlink()
    assert run(make_suite("knn/blooms", models=models)) == []  # trained already: its last epoch is there still
    assert kept.exists()
