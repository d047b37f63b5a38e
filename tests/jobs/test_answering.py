"""Questions whose answer is kept, and everything that has them answered the long way."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from loocbench.cache.answers import Watched, find_answer, take_snapshot
from loocbench.checkpoints import card_file, native, untrained
from loocbench.jobs import answering
from loocbench.jobs.answering import answer_question, list_watched
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings
from loocbench.plugins import in_use
from tests.conftest import picture, tiny_recipe
from tests.jobs.conftest import Heard

DATA = "folder:photos"


@pytest.fixture(autouse=True)
def _any_age(monkeypatch):
    monkeypatch.setattr("loocbench.cache.file_states._SETTLED", -60.0)


@pytest.fixture
def asked(checkpoint, tmp_path):
    """A question about a run's checkpoint, on a few photographs of two classes."""
    shutil.copytree(checkpoint.parent, tmp_path / "runs" / "mine")
    for number in range(16):
        picture(tmp_path / "photos" / "ab"[number % 2] / f"{number}.jpg", seed=number)
    return Question("find_task", {"kind": "knn", "dataset": DATA, "label": None}, "mine", None, EvaluationSettings())


def find(question: Question):
    return find_answer(question.cache, question.describe())


def train_anew(folder: Path) -> None:
    """Put other weights in the place of the run's."""
    made = untrained.build_checkpoint("resnet8", 1, 16)
    native.save(folder / "runs" / "mine" / card_file.FILE, made.card, made.weights)


def test_an_answer_is_what_the_full_run_shows_and_says(asked):
    heard = Heard()
    assert find(asked) is None
    row, path = answer_question(asked, heard)
    answer = find(asked)
    assert answer.row == path
    assert answer.shown["metrics"]["top1"]["value"] == row.metrics["top1"].value
    again = Heard()
    assert answer_question(asked, again) == (row, path)
    assert [*answer.said, again.messages[-1]] == again.messages
    assert find(asked) == answer


CHANGES = {
    "the checkpoint is trained anew": train_anew,
    "the checkpoint is removed": lambda folder: (folder / "runs" / "mine" / card_file.FILE).unlink(),
    "a file of the run's name appears here": lambda folder: (folder / "mine").touch(),
    "an image is replaced": lambda folder: picture(folder / "photos" / "a" / "0.jpg", seed=99),
    "an image is added": lambda folder: picture(folder / "photos" / "a" / "more.jpg"),
    "an image is removed": lambda folder: (folder / "photos" / "a" / "0.jpg").unlink(),
    "the data are elsewhere": lambda folder: (folder / "photos").rename(folder / "pictures"),
    "the row is removed": lambda folder: shutil.rmtree(folder / "results"),
    "the results are elsewhere": lambda folder: (folder / "results").rename(folder / "other"),
    "the row is altered": lambda folder: next((folder / "results").rglob("*.json")).write_text("{}"),
    "the configuration changes": lambda folder: (folder / "loocbench.toml").write_text("seed = 3\n"),
    "the cache is emptied": lambda folder: shutil.rmtree(folder / "cache"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_long_way_is_taken_after_every_change(asked, tmp_path, change):
    answer_question(asked, Heard())
    assert find(asked) is not None
    CHANGES[change](tmp_path)
    assert find(asked) is None


def test_a_row_that_was_replaced_is_answered_anew(asked):
    """Measured again elsewhere, it has another time of measurement."""
    answer_question(asked, Heard())
    again = replace(asked, settings=replace(asked.settings, overwrite=True))
    _, path = answer_question(again, Heard())
    assert find(asked).row == path


def test_the_newest_run_is_found_again_when_another_one_is_there(asked, tmp_path):
    made = untrained.build_checkpoint("resnet8", 1, 16)
    recipe = tiny_recipe("looc", backbone="resnet8")
    card = made.card.model_copy(update={"format": 1, "recipe": recipe, "architecture": None, "source": None})
    native.save(tmp_path / "runs" / "one" / card_file.FILE, card, made.weights)
    newest = replace(asked, checkpoint=None)
    watched = list_watched(newest, newest.find_task())
    assert watched[:2] == [Watched("runs", "checkpoints"), Watched(str(Path("runs") / "one" / card_file.FILE), "file")]
    before = take_snapshot(watched)
    assert take_snapshot(watched) == before
    shutil.copytree(tmp_path / "runs" / "one", tmp_path / "runs" / "two")
    assert take_snapshot(watched) != before


def test_what_is_not_known_cheaply_is_not_watched(asked, tmp_path, monkeypatch):
    card = asked.find_task()
    files = [Watched(str(tmp), "file") for tmp in (Path("mine"), Path("mine") / card_file.FILE)]
    own = Watched(str(Path("runs") / "mine" / card_file.FILE), "file")
    assert list_watched(asked, card) == [*files, own, Watched("photos", "tree")]
    assert list_watched(replace(asked, checkpoint="torchvision:resnet18"), card) is None
    assert list_watched(replace(asked, checkpoint="nothing"), card) is None
    assert list_watched(replace(asked, checkpoint="random:mine"), card) is None
    assert list_watched(replace(asked, checkpoint="random:resnet8"), card) == [Watched("photos", "tree")]
    assert list_watched(replace(asked, arguments={"name": "mine.toml"}), card) is None
    (tmp_path / "foreign.pt").write_bytes(b"weights")
    assert list_watched(replace(asked, checkpoint="foreign.pt"), card) is None
    monkeypatch.setitem(in_use.IN_USE, "mine", None)
    assert list_watched(asked, card) is None


def test_masks_beside_a_data_set_are_watched(asked, damaged_birds):
    root, _ = damaged_birds
    settings = EvaluationSettings(data_dir=root)
    birds = Question("find_task", {"kind": "knn", "dataset": "cub200"}, "random:resnet8", None, settings)
    assert list_watched(birds, birds.find_task()) == [
        Watched(str(root / "CUB_200_2011"), "tree"),
        Watched(str(root / "segmentations"), "tree"),
    ]


@pytest.mark.parametrize("what", ["checkpoint", "row"])
def test_an_answer_of_something_that_changes_meanwhile_is_not_kept(asked, tmp_path, monkeypatch, what):
    load_or_measure = answering.load_or_measure

    def disturbed(measurement, settings):
        row, path = load_or_measure(measurement, settings)
        if what == "checkpoint":
            train_anew(tmp_path)
        else:
            path.write_text("{}")
        return row, path

    monkeypatch.setattr(answering, "load_or_measure", disturbed)
    answer_question(asked, Heard())
    assert find(asked) is None
