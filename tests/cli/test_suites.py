"""A suite with models of its own: from nothing to its table, going on after a stop, and what it refuses."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from loocbench.cards import suites
from loocbench.data.entries import ENTRIES
from tests.cli.conftest import run_command
from tests.records.rows import dump_fields

pytestmark = [pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures"), pytest.mark.xdist_group("suites")]


def build_suite():
    """Two seeds of LooC++, one of MoCo, and an untrained network, judged on colour and by neighbours."""
    budget = suites.load_suite("demo").budget.model_copy(
        update={"epochs": 1, "image_size": 16, "batch_size": 32, "queue_size": 32}
    )
    models = (
        suites.SuiteModel(method="random", features=("looc",), pictured=True),
        suites.SuiteModel(method="moco", augmentations=("color", "rotation"), shared=("rotation",), features=("looc",)),
        suites.SuiteModel(method="looc++", features=("looc++", "selected"), seeds=(0, 1), pictured=True),
    )
    return suites.SuiteCard(
        suite="own",
        version=1,
        title="Own",
        description="",
        cost="",
        pretrain_on="blooms",
        budget=budget,
        models=models,
        tasks=("linear/blooms-color", "retrieval/blooms"),
    )


@pytest.fixture
def suite_with_models(monkeypatch):
    """The suite "own" is :func:`build_suite`'s."""
    card = build_suite()
    monkeypatch.setattr(suites, "load_suite", lambda name: card)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_blooms, draft_pictures):
    """The folder in which the suite was run from nothing, once for all tests that begin where it ended."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LOOCBENCH_DATA", raising=False)
        patch.setattr("platformdirs.user_cache_path", lambda name: folder / "cache" / name)
        patch.setitem(ENTRIES, "blooms", replace(ENTRIES["blooms"], generate=lambda: tiny_blooms))
        card = build_suite()
        patch.setattr(suites, "load_suite", lambda name: card)
        said = run_command("run", "own")
    assert said.code == 0, said.err
    return folder


@pytest.fixture
def own_finished(suite_with_models, finished, tmp_path):
    """This test's folder is a copy of ``finished``."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)


def plan_of(said):
    """(checkpoint, seed, state, rows that are there, jobs) of each model."""
    return [
        (
            model["checkpoint"],
            model["seed"],
            model["state"],
            sum(job["state"] == "kept" for job in model["rows"]),
            len(model["rows"]),
        )
        for model in json.loads(said.out)["models"]
    ]


PLAN = ["run", "own", "--dry-run", "--json"]


@pytest.mark.usefixtures("suite_with_models")
def test_the_plan_says_what_will_be_trained_and_measured_and_does_nothing(loocbench, tmp_path):
    assert plan_of(loocbench(*PLAN)) == [  # the first seed of every model first
        ("random-resnet8-s0", 0, "untrained", 0, 2),
        ("own-moco-same-rotation-blooms-s0", 0, "to train", 0, 2),
        ("own-loocpp-color-rotation-blooms-s0", 0, "to train", 0, 3),  # selected is for linear probes
        ("own-loocpp-color-rotation-blooms-s1", 1, "to train", 0, 3),
    ]
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("own_finished")
def test_a_suite_with_models_runs_from_nothing_to_its_table(loocbench, tmp_path):
    page = (tmp_path / "results" / "own" / "table.md").read_text()
    assert "| MoCo + Rotation (same for q and k) |" in page
    assert re.search(r"\| LooC\+\+ \(color, rotation\) \| `selected` \| 2, ± over seeds \| blooms ", page)
    assert "validation images chose" in page
    assert "do not compare" not in page  # that lines chose other spaces is what the figure is about
    assert (tmp_path / "results" / "own" / "gallery-retrieval-blooms.s0.png").stat().st_size > 10_000
    plan = plan_of(loocbench(*PLAN))
    assert {(state, rows == of) for _, _, state, rows, of in plan} == {("untrained", True), ("trained", True)}
    trained = {name for name, _, state, *_ in plan if state == "trained"}
    assert {path.name for path in (tmp_path / "runs").iterdir() if not path.name.startswith(".")} == trained


@pytest.mark.slow
@pytest.mark.usefixtures("own_finished")
def test_a_finished_suite_keeps_all_that_it_did(loocbench, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    again = loocbench("run", "own")
    assert again.err.count("kept, trained before") == 3
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}


@pytest.mark.slow
def test_models_of_all_seeds_are_asked_the_same_and_the_chosen_space_is_stated(loocbench, tmp_path, monkeypatch):
    """The measurement's seed is the command's, whichever seed pretraining had."""
    card = build_suite()
    models = tuple(model.model_copy(update={"pictured": False}) for model in card.models[2:])
    monkeypatch.setattr(suites, "load_suite", lambda name: card.model_copy(update={"models": models}))
    assert loocbench("run", "own", "--seed", "3", "--json").code == 0
    rows = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json")]
    assert {row["seed"] for row in rows} == {3}
    assert {row["recipe"]["seed"] for row in rows if row["recipe"]["method"] == "looc++"} == {3, 4}
    chosen = [row for row in rows if row["features"] == "selected"]
    assert len(chosen) == 2
    for row in chosen:
        assert set(row["stated"]["selected"].replace("looc++", "head:color").split("+")) <= {
            "head:invariant",
            "head:color",
            "head:rotation",
        }
        assert row["seconds"]["selection"] > 0


@pytest.mark.usefixtures("suite_with_models")
def test_a_suite_that_names_its_features_takes_no_others(one_line):
    assert "names its models' features" in one_line("run", "own", "--features", "looc")


@pytest.mark.slow
@pytest.mark.usefixtures("own_finished")
def test_what_was_chosen_can_be_tested_against_what_was_not(loocbench, tmp_path):
    """Which spaces they are may differ between seeds; the images do not."""
    for path in (tmp_path / "results").rglob("*selected.s0.json"):
        row = json.loads(path.read_text())
        path.write_text(dump_fields({**row, "stated": {**row["stated"], "selected": row["checkpoint"]}}))
    said = loocbench("report", "--suite", "own", "--against", "LooC++ (color, rotation), selected", "--format", "json")
    tests = json.loads(said.out)["tests"]
    assert "different images" not in said.out
    assert [one for one in tests if {one["first"]["features"], one["second"]["features"]} == {"selected", "looc++"}]
    model = "LooC++ (color, rotation)"
    said = loocbench("compare", f"{model}@selected", f"{model}@looc++", "--suite", "own")
    assert said.code == 0, said.err


@pytest.mark.slow
@pytest.mark.usefixtures("own_finished")
def test_a_row_that_cannot_stand_is_told_before_anything_is_trained(loocbench, one_line, tmp_path):
    damaged = next((tmp_path / "results").rglob("linear*selected.s0.json"))
    damaged.write_text("{")
    shutil.rmtree(tmp_path / "runs" / "own-moco-same-rotation-blooms-s0")
    assert f"{damaged.relative_to(tmp_path)} is there, but it is truncated" in one_line("run", "own")
    assert not (tmp_path / "runs" / "own-moco-same-rotation-blooms-s0").exists()
    assert "blocked" in loocbench("run", "own", "--dry-run").out
    damaged.unlink()
    said = loocbench("run", "own", "--json")
    assert {(state, rows == of) for _, _, state, rows, of in plan_of(said)} == {
        ("untrained", True),
        ("trained", True),
    }


@pytest.mark.slow
@pytest.mark.usefixtures("own_finished")
def test_an_untrained_network_at_another_size_is_another_row(one_line, monkeypatch):
    """Its weights and its name are the same."""
    card = suites.load_suite("own")
    wider = card.model_copy(update={"budget": card.budget.model_copy(update={"image_size": 20})})
    monkeypatch.setattr(suites, "load_suite", lambda name: wider)
    assert "was measured with image_size 16, now 20; resize 18, now 23; delete that file" in one_line("run", "own")


@pytest.mark.usefixtures("suite_with_models")
@pytest.mark.parametrize(("options", "remedy"), [([], "command to go on"), (["--overwrite"], "without --overwrite")])
def test_who_interrupts_a_suite_is_told_how_to_go_on(one_line, monkeypatch, options, remedy):
    from loocbench.jobs import suite_work

    def interrupted(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(suite_work, "load_or_measure", interrupted)
    said = one_line("run", "own", *options, code=130)
    assert "what is finished is kept" in said
    assert remedy in said
    assert "loocbench report --suite own" in said


@pytest.mark.usefixtures("suite_with_models")
def test_a_suite_with_models_also_judges_checkpoints_that_exist(loocbench, tmp_path):
    said = loocbench("run", "own", "--checkpoint", "random:resnet8")
    assert said.code == 0, said.err
    assert not (tmp_path / "runs").exists()
