"""Pushing: the figures of the very checkpoint, and the repository's page, against a stand-in for the hub."""

import pytest

from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.jobs import pushing
from loocbench.progress import Silent
from loocbench.records import store
from loocbench.types import Conditions, Metric
from tests.checkpoints.conftest import cli, repository  # noqa: F401  (fixtures)
from tests.records.rows import make_path, make_row

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def card(trained):
    return card_file.read_card(trained["looc++"])


@pytest.fixture
def add(tmp_path, card):
    """Write a row of the checkpoint to the store."""

    def write(value=0.5, suite="local", **changes):
        metrics = {"top1": Metric(value=value, low=value - 0.1, high=value + 0.1, n=100)}
        names = {"checkpoint": card.name, "checkpoint_hash": card.weights, "versions": {"loocbench": "1"}}
        row = make_row(**{"metrics": metrics, **names, **changes})
        store.write_row(make_path(tmp_path / "results", suite, row), row)
        return row

    return write


def values_of(rows):
    return [row.metrics["top1"].value for row in rows]


def find(tmp_path, card, *suites):
    return pushing.find_measured(card, tmp_path / "results", suites, Silent())


def test_only_rows_of_the_very_weights_count(tmp_path, card, add):
    add(0.5)
    add(0.6, checkpoint_hash="f" * 64)  # the same name, trained again
    assert values_of(find(tmp_path, card)) == [0.5]


def test_rows_of_another_preprocessing_are_not_of_this_checkpoint(tmp_path, card, add):
    how = {"network": {}, "protocol": {}, "labels": (), "numerics": ""}
    add(0.5, measured_with=Conditions(preprocessing=card.preprocessing, **how))
    other = card.preprocessing.model_copy(update={"mean": (0.5, 0.5, 0.5)})
    add(0.6, features="looc", measured_with=Conditions(preprocessing=other, **how))
    assert values_of(find(tmp_path, card)) == [0.5]


def test_of_a_task_the_newest_version_and_of_a_measurement_the_newest_row(tmp_path, card, add):
    add(0.1, task_version=2)
    add(0.2, task_version=3)
    add(0.3, task_version=3, suite="other", created="2999-01-01T00:00:00+00:00")
    add(0.4, task="knn/blooms", features="head:color")
    assert values_of(find(tmp_path, card)) == [0.4, 0.3]
    assert values_of(find(tmp_path, card, "local")) == [0.4, 0.2]
    with pytest.raises(UserError, match="Did you mean 'other'"):
        find(tmp_path, card, "othr")


def test_a_damaged_file_is_told_and_passed_over(tmp_path, card, add):
    add(0.5)
    (tmp_path / "results" / "local" / "x-1").mkdir()
    (tmp_path / "results" / "local" / "x-1" / "a.json").write_text("{")

    class Heard(Silent):
        said = ""

        def info(self, message):
            self.said += message

    heard = Heard()
    assert len(pushing.find_measured(card, tmp_path / "results", (), heard)) == 1
    assert "a.json: it is truncated" in heard.said


def test_the_page_has_the_figures_and_a_users_page_is_kept(repository, cli, trained, add):  # noqa: F811
    add(0.5)
    push = ["checkpoints", "push", trained["looc++"], "me/birds"]
    cli(*push)

    def page():
        return repository.commits[repository.newest]["README.md"].decode()

    (only,) = hub.ModelCard(page()).data.eval_results
    assert (only.task_name, only.metric_value) == ("Blooms species", 0.5)
    repository.commit({"README.md": "---\nlicense: mit\n---\nMine, d'accord: é.\n".encode()})
    cli(*push)
    assert page().endswith("---\nMine, d'accord: é.\n")
    assert hub.ModelCard(page()).data.license == "mit"
    assert len(hub.ModelCard(page()).data.eval_results) == 1
    before = page()
    cli(*push, "--no-figures")
    assert page() == before


def test_a_page_that_cannot_be_changed_stops_the_push(repository, cli, trained, add):  # noqa: F811
    add(0.5)
    first = repository.commit({"README.md": b"---\nlicense: [\n---\n"})
    with pytest.raises(AssertionError, match="are not YAML"):
        cli("checkpoints", "push", trained["looc++"], "me/birds")
    assert repository.newest == first
    repository.commit({"README.md": b"\xff\xfe"})
    with pytest.raises(AssertionError, match="is not UTF-8"):
        cli("checkpoints", "push", trained["looc++"], "me/birds")
