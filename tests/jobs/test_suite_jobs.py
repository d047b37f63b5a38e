"""The graph of a suite: what is one job, what it needs, and in which order."""

import pytest

from loocbench.cards import suites
from loocbench.errors import UserError
from loocbench.executors import graph
from loocbench.executors.job import Needs
from loocbench.executors.site import Site
from loocbench.jobs import suite_jobs, suite_plan
from loocbench.jobs.session import Session
from tests.jobs.test_suite_plan import SETTINGS, make_suite

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
MODELS = (
    suites.SuiteModel(method="random", features=("looc",)),
    suites.SuiteModel(method="looc++", features=("looc++", "head:color"), seeds=(0, 1)),
)


def list_jobs(card, site=None, *, overwrite=False, gpus=0):
    models = suite_plan.plan_suite(card, Session(SETTINGS), SETTINGS)
    return suite_jobs.list_jobs(card, models, site=site or Site(), gpus=gpus, overwrite=overwrite)


def test_rows_of_one_checkpoint_and_data_set_are_one_job_after_the_pretraining():
    jobs = list_jobs(make_suite("knn/blooms", "linear/dtd", "retrieval/blooms", models=MODELS))
    graph.require_order([one.job for one in jobs])
    name = "own-loocpp-color-rotation-blooms-s0"
    assert [(one.job.name, one.job.after, len(one.rows)) for one in jobs[:5]] == [
        ("measure.random-resnet8-s0.blooms", (), 2),
        ("measure.random-resnet8-s0.dtd", (), 1),
        (f"pretrain.{name}", (), 0),
        (f"measure.{name}.blooms", (f"pretrain.{name}",), 4),
        (f"measure.{name}.dtd", (f"pretrain.{name}",), 2),
    ]
    assert [one.due for one in jobs[:5]] == [True, False, True, True, False]  # dtd is not there
    assert len(jobs) == 8


def test_two_checkpoints_of_one_name_have_jobs_of_their_own(checkpoint, tmp_path):
    other = tmp_path / "other" / checkpoint.name
    other.parent.mkdir()
    other.write_bytes(checkpoint.read_bytes())
    models = suite_plan.plan_suite(
        make_suite("knn/blooms"), Session(SETTINGS), SETTINGS, references=[str(checkpoint), str(other)]
    )
    jobs = suite_jobs.list_jobs(make_suite("knn/blooms"), models, site=Site(), gpus=0, overwrite=False)
    assert [one.job.name for one in jobs] == ["measure.random-resnet8-s0.blooms", "measure.random-resnet8-s0-2.blooms"]


def test_needs_are_the_sites_before_the_cards_before_the_defaults():
    card = make_suite("knn/blooms", models=MODELS).model_copy(
        update={"needs": suites.JobNeeds(pretrain=Needs(gpus=4, processes=4, cores=16))}
    )
    site = Site(pretrain={"cores": 32}, measure={"minutes": 5})
    needs = {one.job.kind.split()[0]: one.job.needs for one in list_jobs(card, site, gpus=1)}
    assert needs["pretrain"] == Needs(gpus=4, processes=4, cores=32)
    assert needs["measure"] == Needs(gpus=1, minutes=5)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (Site(measure={"processes": 2}), "measuring is one process"),
        (Site(pretrain={"processes": 4, "gpus": 2}), "4 processes need 4 GPUs, not 2"),
        (Site(pretrain={"processes": 4, "nodes": 3}), "4 processes with 0 GPUs cannot be shared equally by 3 nodes"),
        (Site(pretrain={"cores": 0}), "the needs of pretrain jobs"),
    ],
)
def test_needs_that_cannot_be_meant_are_refused(site, message):
    with pytest.raises(UserError, match=message):
        list_jobs(make_suite("knn/blooms", models=MODELS), site)


def test_an_unknown_job_is_refused():
    jobs = list_jobs(make_suite("knn/blooms", models=MODELS))
    assert suite_jobs.find_job(jobs, jobs[1].job.name, "own") is jobs[1]
    with pytest.raises(UserError, match="suite own has no job 'nothing'"):
        suite_jobs.find_job(jobs, "nothing", "own")
