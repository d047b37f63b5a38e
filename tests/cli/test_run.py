"""``loocbench run``: a plan first, then what is missing, and at the end what could not be done.

Covers ``loocbench.cli.run``, ``loocbench.cli.showing_jobs``.
"""

import json

import pytest

from loocbench.cards import suites
from loocbench.cli import showing_jobs
from loocbench.errors import UserError
from loocbench.executors.job import Job, Needs
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
TASKS = ("linear/blooms-color", "knn/blooms", "retrieval/blooms")


@pytest.fixture
def small_suite(monkeypatch, loocbench, only_tiny_blooms):
    """A suite of three tasks on the embedded flowers, and a checkpoint."""
    card = suites.SuiteCard(suite="small", version=1, title="Small", description="", cost="", tasks=TASKS)
    monkeypatch.setattr(suites, "load_suite", lambda name: card)
    assert loocbench("pretrain", "--method", "looc", "--name", "mine", *QUICKER).code == 0


def jobs_of(said):
    return [job for model in json.loads(said.out)["models"] for job in model["rows"]]


def states(said):
    return {(job["task"], job["features"]): job["state"] for job in jobs_of(said)}


@pytest.mark.usefixtures("small_suite")
def test_the_plan_says_what_is_there_and_the_run_does_the_rest(loocbench, tmp_path):
    assert loocbench("probe", "--checkpoint", "mine", "--label", "color", "--suite", "small").code == 0
    plan = ["run", "small", "--checkpoint", "mine", "--dry-run", "--json"]
    assert states(loocbench(*plan)) == {
        ("linear/blooms-color", "looc"): "kept",
        ("knn/blooms", "looc"): "to do",
        ("retrieval/blooms", "looc"): "to do",
    }
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    said = loocbench("run", "small", "--checkpoint", "mine")
    assert said.code == 0
    assert "[2/2] retrieval/blooms" in said.err
    assert set(states(loocbench(*plan)).values()) == {"kept"}
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert "LooC (color, rotation)" in loocbench("report", "--suite", "small").out.replace("\n", " ")


@pytest.mark.usefixtures("small_suite")
@pytest.mark.parametrize("failure", [UserError("the neighbours are out"), RuntimeError("the neighbours are out")])
def test_what_cannot_be_done_is_told_at_the_end_and_stops_nothing(loocbench, tmp_path, monkeypatch, failure):
    """Also where it is a bug."""
    from loocbench.jobs import suite_work

    real = suite_work.load_or_measure

    def load_or_measure(measurement, settings):
        if measurement.card.kind == "knn":
            raise failure
        return real(measurement, settings)

    monkeypatch.setattr(suite_work, "load_or_measure", load_or_measure)
    arguments = ["run", "small", "--checkpoint", "mine", "--features", "looc", "--features", "head:texture"]
    said = loocbench(*arguments)
    assert said.code == 2
    assert "failed, going on" in said.err
    assert "the neighbours are out" in said.err
    assert (
        "4 of 6 rows could not be measured, the first (linear/blooms-color): unknown features 'head:texture'"
        in said.err
    )
    assert sorted(path.name.split(".")[0] for path in (tmp_path / "results").rglob("*.json")) == [
        "linear-blooms-color",
        "retrieval-blooms",
    ]


def test_data_that_is_not_there_is_said_before_anything_is_done(loocbench):
    assert loocbench("pretrain", "--name", "mine", *QUICKER).code == 0
    said = loocbench("run", "photographs", "--dry-run", "--json")
    jobs = jobs_of(said)
    assert [job["task"] for job in jobs] == list(suites.load_suite("photographs").tasks)
    assert {job["state"] for job in jobs} == {"impossible"}
    assert "--data-dir" in jobs[0]["note"]


@pytest.mark.usefixtures("small_suite")
def test_the_status_says_where_each_job_stands(loocbench, tmp_path):
    said = loocbench("run", "small", "--checkpoint", "mine", "--status")
    assert (said.code, "1 to do" in said.out) == (0, True)
    assert "measure.mine.blooms" in said.out
    job = ["run", "small", "--checkpoint", "mine", "--job", "measure.mine.blooms"]
    said = loocbench(*job)
    assert said.code == 0, said.err
    assert "[3/3]" in said.err
    assert loocbench("run", "small", "--checkpoint", "mine", "--status").out.strip() == "1 done"
    assert "measure.mine.blooms is done" in loocbench(*job).err
    (found,) = json.loads(loocbench("run", "small", "--checkpoint", "mine", "--status", "--json").out)["jobs"]
    assert (found["state"], found["needs"]["processes"], found["after"]) == ("done", 1, [])
    assert len(list((tmp_path / "results").rglob("*.json"))) == 3


def test_the_plan_shows_the_graph_its_needs_and_the_minutes_that_were_measured(loocbench, monkeypatch, tmp_path):
    budget = suites.load_suite("demo").budget.model_copy(
        update={"epochs": 1, "image_size": 16, "batch_size": 32, "queue_size": 32}
    )
    models = tuple(suites.SuiteModel(method="moco", features=("looc",), seeds=(seed,)) for seed in (0, 1))
    card = suites.SuiteCard(
        suite="own",
        version=1,
        title="",
        description="",
        cost="",
        pretrain_on="blooms",
        budget=budget,
        models=models,
        tasks=TASKS,
    )
    monkeypatch.setattr(suites, "load_suite", lambda name: card)
    assert "there is no estimate" in loocbench("run", "own", "--dry-run").out
    first = "own-moco-blooms-s0"
    for job in (f"pretrain.{first}", f"measure.{first}.blooms"):
        assert loocbench("run", "own", "--job", job).code == 0
    (tmp_path / "site.toml").write_text("[pretrain]\ngpus = 8\nprocesses = 8\n")
    jobs = json.loads(loocbench("run", "own", "--dry-run", "--site", "site.toml", "--json").out)["jobs"]
    assert [(job["state"], job["needs"]["gpus"], len(job["after"])) for job in jobs] == [
        ("done", 8, 0),
        ("done", 0, 0),
        ("to do", 8, 0),
        ("waiting", 0, 1),
    ]
    assert all(job["minutes"] > 0 for job in jobs if job["state"] != "done")
    assert "2 jobs due; 0 min one after another by what was measured here" in loocbench("run", "own", "--dry-run").out


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ([3.0, 4.0], "2 jobs due; 7 min one after another by what was measured here, the longest chain 4 min"),
        (
            [3.0, None],
            "2 jobs due; of 1 there is no estimate, since nothing alike was measured; the rest takes 3 min one after "
            "another by what was measured here, the longest chain 3 min",
        ),
        ([None], "1 job due; there is no estimate, since nothing alike was measured here"),
    ],
)
def test_what_is_not_known_is_not_part_of_the_time(minutes, said):
    due = [Job(str(number), "", "measure", Needs(), minutes=taken) for number, taken in enumerate(minutes)]
    known = [job for job in due if job.minutes is not None]
    longest = max((job.minutes for job in known), default=0.0)
    assert showing_jobs._describe_time(due, known, longest) == said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dry-run", "--status"], "exclude each other"),
        (["--executor", "slurn"], "Did you mean 'slurm'"),
        (["--detach"], "--executor slurm"),
        (["--overwrite", "--executor", "slurm"], "--overwrite goes with --executor inline alone"),
        (["--site", "nowhere.toml"], "cannot read card nowhere.toml"),
        (["--job", "nothing"], "has no job 'nothing'"),
    ],
)
@pytest.mark.usefixtures("small_suite")
def test_options_that_cannot_be_meant_are_refused(one_line, options, message):
    assert message in one_line("run", "small", "--checkpoint", "mine", *options)
