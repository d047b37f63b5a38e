"""Rows of a run that was extended since say of how many epochs they are. Covers ``loocbench.jobs.earlier_states``."""

import pytest

from loocbench.jobs.earlier_states import describe_earlier_states
from loocbench.progress import Silent
from loocbench.records import store
from loocbench.runs import folder
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
KNN = ("knn", "--label", "color", "--checkpoint")


@pytest.fixture
def extended(loocbench, tmp_path):
    """Run "mine", measured after an epoch and then extended by another; the row."""
    made = loocbench("pretrain", "--method", "moco", "--backbone", "resnet8", "--name", "mine", *QUICKER)
    assert made.code == 0, made.err
    for checkpoint in ("mine", "random:resnet8"):
        assert loocbench(*KNN, checkpoint).code == 0
    rows = [row for row in store.read_suite(tmp_path / "results", "local", Silent()) if row.checkpoint == "mine"]
    assert describe_earlier_states(rows, tmp_path / "runs") == []
    made = loocbench("pretrain", "--resume", "mine", "--extend", "1")
    assert made.code == 0, made.err
    return rows[0]


def test_tables_name_the_rows_of_an_earlier_state_until_it_is_measured_again(extended, loocbench):
    told = "Earlier state: the rows of mine (MoCo) are of 1 epoch; it was extended since and has 2 now."
    for command in (("report",), ("report", "--format", "markdown"), ("compare", "mine", "Random")):
        said = loocbench(*command)
        assert said.code == 0, said.err
        assert told in " ".join(said.out.split())
    assert "Earlier state" not in loocbench("report", "--model", "Random").out
    assert "Earlier state" not in loocbench("report", "--runs", "elsewhere").out
    assert loocbench(*KNN, "mine").code == 0
    assert "Earlier state" not in loocbench("report").out


def test_another_run_of_that_name_is_no_later_state(extended, tmp_path):
    runs = tmp_path / "runs"
    (told,) = describe_earlier_states([extended], runs)
    assert told.startswith("Earlier state: the rows of mine (MoCo)")
    other = extended.recipe.model_copy(update={"temperature": 0.5})
    assert describe_earlier_states([extended.model_copy(update={"recipe": other})], runs) == []
    away = extended.model_copy(update={"checkpoint": "../runs/mine"})
    assert describe_earlier_states([away], runs) == []
    (runs / "mine" / folder.CARD).write_bytes(b"torn")
    assert describe_earlier_states([extended], runs) == []
