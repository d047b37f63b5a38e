"""What a suite consists of and what of it is there, for its own models and for checkpoints that exist alike."""

from dataclasses import replace

import pytest

from loocbench.cards import suites, tasks
from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.jobs import evaluation, suite_plan
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.types import SELECTED
from tests.conftest import tiny_recipe

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
SETTINGS = EvaluationSettings(suite="own")
BUDGET = {"epochs": 1, "image_size": 16, "batch_size": 32, "queue_size": 32}


def make_suite(*names, models=()):
    """A suite of these tasks; with models, they are to be pretrained on the embedded flowers."""
    about = {"suite": "own", "version": 1, "title": "Own", "description": "", "cost": "", "tasks": names}
    if models:
        budget = suites.load_suite("demo").budget.model_copy(update=BUDGET)
        about |= {"pretrain_on": "blooms", "budget": budget, "models": models}
    return suites.SuiteCard(**about)


def plan(card, *references, features=(), settings=SETTINGS):
    return suite_plan.plan_suite(card, Session(settings), settings, references=references, features=features)


def states(model):
    return {(row.task.task, row.features): row.state for row in model.rows}


@pytest.fixture
def stored(only_tiny_blooms, checkpoint):
    """The file of a row of ``knn/blooms`` in the suite's folder."""
    return evaluation.evaluate_task(tasks.load_task("knn/blooms"), str(checkpoint), None, SETTINGS)[1]


def test_rows_of_an_existing_checkpoint_are_kept_to_do_or_impossible(stored, checkpoint):
    (model,) = plan(make_suite("knn/blooms", "rotation/blooms", "linear/dtd"), str(checkpoint))
    assert (model.name, model.state, model.features) == ("random-resnet8-s0", "exists", ("looc",))
    assert (model.reference, model.recipe) == (str(checkpoint), None)
    assert states(model) == {
        ("knn/blooms", "looc"): "kept",
        ("rotation/blooms", "looc"): "to do",
        ("linear/dtd", "looc"): "impossible",
    }
    kept, to_do, impossible = model.rows
    assert (kept.path, to_do.note) == (stored, to_do.task.cost)
    assert "--data-dir" in impossible.note


def test_features_that_a_checkpoint_does_not_offer_are_impossible_and_no_others(checkpoint):
    (model,) = plan(make_suite("knn/blooms", "rotation/blooms"), str(checkpoint), features=("looc", "head:color"))
    assert states(model) == {
        ("knn/blooms", "looc"): "to do",
        ("knn/blooms", "head:color"): "impossible",
        ("rotation/blooms", "looc"): "to do",
        ("rotation/blooms", "head:color"): "impossible",
    }
    assert [row.task.task for row in model.rows] == ["knn/blooms"] * 2 + ["rotation/blooms"] * 2  # a task after another
    assert "unknown features 'head:color'" in model.rows[1].note


def test_a_row_that_cannot_be_reused_is_blocked(stored, checkpoint):
    settings = EvaluationSettings(suite="own", precision="bfloat16")
    (model,) = plan(make_suite("knn/blooms"), str(checkpoint), settings=settings)
    assert states(model) == {("knn/blooms", "looc"): "blocked"}
    versions = "decoding 3, changes 1, features 4"
    changed = f"numerics {versions}, float32, joined 1, now {versions}, bfloat16, joined 1"
    assert model.rows[0].note == f"{stored} was measured with {changed}"
    stored.write_text("{")
    (model,) = plan(make_suite("knn/blooms"), str(checkpoint))
    assert model.rows[0].state == "blocked"


def test_a_row_whose_data_are_gone_is_kept(stored, checkpoint, monkeypatch):
    def gone(self, name, limit=0):
        raise UserError("the data are gone")

    monkeypatch.setattr(Session, "open_dataset", gone)
    (model,) = plan(make_suite("knn/blooms", "rotation/blooms"), str(checkpoint))
    assert states(model) == {("knn/blooms", "looc"): "kept", ("rotation/blooms", "looc"): "impossible"}


def test_an_unknown_checkpoint_is_refused():
    with pytest.raises(UserError, match="unknown checkpoint 'mine'"):
        plan(make_suite("knn/blooms"), "mine")


def test_own_models_are_planned_first_seeds_first():
    models = (
        suites.SuiteModel(method="random", features=("looc",)),
        suites.SuiteModel(method="looc++", features=("looc++", SELECTED), seeds=(0, 2), pictured=True),
    )
    planned = plan(make_suite("linear/blooms", "linear/blooms-sgd", models=models))
    assert [(model.name, model.state) for model in planned] == [
        ("random-resnet8-s0", "untrained"),
        ("own-loocpp-color-rotation-blooms-s0", "to train"),
        ("own-loocpp-color-rotation-blooms-s2", "to train"),
    ]
    assert [model.pictured for model in planned] == [False, True, False]  # of the first seed
    assert [(row.task.task, row.features) for row in planned[1].rows] == [
        ("linear/blooms", "looc++"),
        ("linear/blooms", SELECTED),  # not by SGD, whose validation accuracies cannot be compared
        ("linear/blooms-sgd", "looc++"),
    ]
    assert {row.path for row in planned[1].rows} == {None}  # unknown before there are weights
    assert all(row.path for row in planned[0].rows)


def test_seeds_of_models_are_counted_from_the_commands():
    models = (suites.SuiteModel(method="moco", features=("looc",), seeds=(0, 1)),)
    settings = EvaluationSettings(suite="own", seed=5)
    planned = plan(make_suite("knn/blooms", models=models), settings=settings)
    assert [model.recipe.seed for model in planned] == [5, 6]


def test_a_run_is_found_again_if_it_ended_with_this_recipe_on_these_images(trained, tiny_blooms, only_tiny_blooms):
    recipe, runs = tiny_recipe("moco"), trained["moco"].parents[1]
    assert suite_plan.find_trained(recipe, "moco", runs, tiny_blooms) == card_file.read_card(trained["moco"])
    assert suite_plan.find_trained(recipe.model_copy(update={"epochs": 2}), "moco", runs, tiny_blooms) is None
    assert suite_plan.find_trained(recipe.model_copy(update={"seed": 1}), "moco", runs, tiny_blooms) is None
    assert suite_plan.find_trained(recipe, "elsewhere", runs, tiny_blooms) is None
    other = replace(tiny_blooms, edition=lambda: "another")
    assert suite_plan.find_trained(recipe, "moco", runs, other) is None


@pytest.mark.parametrize("leftover", ["state", "torn"])
def test_a_run_that_did_not_end_is_trained_again(trained, tiny_blooms, tmp_path, leftover):
    folder = tmp_path / "runs" / "moco"
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(trained["moco"].read_bytes()[: 500 if leftover == "torn" else None])
    if leftover == "state":
        (folder / "state-000000001.safetensors").write_bytes(b"")
    assert suite_plan.find_trained(tiny_recipe("moco"), "moco", tmp_path / "runs", tiny_blooms) is None


def test_features_have_one_name_however_they_are_typed(stored, checkpoint):
    (model,) = plan(make_suite("knn/blooms"), str(checkpoint), features=("pooled",))
    assert states(model) == {("knn/blooms", "looc"): "kept"}
