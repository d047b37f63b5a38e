"""Opening data sets, checkpoints and encoders for tasks: each once, and nothing unfit.

Covers ``loocbench.jobs.settings`` and ``loocbench.data.opening``.
"""

from dataclasses import replace

import pytest

from loocbench.cards import tasks
from loocbench.cards.finding import find_task
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.jobs import session as session_module
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings, InputSettings
from tests.conftest import picture
from tests.jobs.conftest import Heard

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def cut(monkeypatch, tiny_blooms):
    """Give a data set of the catalog the tiny flowers of some splits alone."""

    def give(name, *splits):
        kept = {split: tiny_blooms.splits[split] for split in splits}
        dataset = replace(tiny_blooms, name=name, splits=kept)
        entry = replace(ENTRIES[name], folders=(), read=None, generate=lambda: dataset)
        monkeypatch.setitem(ENTRIES, name, entry)

    return give


def test_a_data_set_is_opened_once(monkeypatch):
    opened = []
    real = session_module.opening.open_dataset
    monkeypatch.setattr(
        session_module.opening,
        "open_dataset",
        lambda name, *more, **options: (opened.append(name), real(name, *more, **options))[1],
    )
    session = Session(InputSettings())
    first, other = session.open_datasets(tasks.load_task("linear/blooms-color"))
    assert session.open_datasets(tasks.load_task("rotation/blooms"))[0] is first
    assert other is None
    assert opened == ["blooms"]


def test_an_encoder_is_kept_while_the_checkpoint_is_the_same(checkpoint):
    session = Session(InputSettings(device="cpu"))
    encoder = session.load_encoder(session.load_checkpoint(str(checkpoint)))
    assert session.load_encoder(session.load_checkpoint(str(checkpoint))) is encoder
    another = session.load_encoder(session.load_checkpoint("random:resnet8"))
    assert another is not encoder
    assert another.preprocessing.image_size != 16


def test_an_opened_task_has_the_features_that_were_named(checkpoint):
    session = Session(InputSettings(seed=7))
    card, found = tasks.load_task("knn/blooms"), session.load_checkpoint(str(checkpoint))
    assert session.open_task(card, found).features_name == "looc"
    measurement = session.open_task(card, found, " looc ")
    assert (measurement.features_name, measurement.seed, measurement.cache) == ("looc", 7, session.cache)
    with pytest.raises(UserError, match="unknown features 'head:color'"):
        session.open_task(card, found, "head:color")


@pytest.mark.parametrize(
    "task", ["linear/cub200", "robustness/cub200", "rotation/cub200", "episodes/cub200-5way-1shot"]
)
def test_damaged_images_are_left_out_of_every_task_if_the_user_says_so(damaged_birds, task):
    root, victim = damaged_birds
    reporter = Heard()
    dataset, _ = Session(InputSettings(data_dir=root, skip_damaged=True), reporter).open_datasets(tasks.load_task(task))
    assert len(dataset.skipped) == 1
    assert dataset.skipped[0].endswith(victim)
    assert victim in reporter.messages[0]
    whole, _ = Session(InputSettings(data_dir=root)).open_datasets(tasks.load_task(task))
    assert whole.skipped == ()


def test_a_data_set_that_lacks_a_split_is_refused(cut):
    cut("cub200", "train", "test")
    with pytest.raises(UserError, match=r"^cub200 has no val split; choose another --dataset for this task\.$"):
        Session(InputSettings()).open_datasets(tasks.load_task("rotation/cub200"))


def test_a_set_to_be_judged_on_needs_its_test_split_alone(cut, tiny_blooms):
    card = tasks.load_task("robustness/objectnet13").model_copy(update={"labels": ("species",)})
    cut("imagenet100", "train", "val", "test")
    cut("objectnet13", "test")
    dataset, other = Session(InputSettings()).open_datasets(card)
    assert (dataset.name, other.name) == ("imagenet100", "objectnet13")
    cut("objectnet13", "val")
    with pytest.raises(UserError, match="objectnet13 has no test split"):
        Session(InputSettings()).open_datasets(card)


def test_a_data_set_that_lacks_the_label_is_refused_with_those_it_has(tmp_path):
    for number in range(12):
        picture(tmp_path / "birds" / "ab"[number % 2] / f"{number}.jpg", seed=number)
    card = find_task("linear", f"folder:{tmp_path / 'birds'}", "colour")
    with pytest.raises(UserError, match=r"unknown label of .*birds 'colour'\. Available: class\.$"):
        Session(InputSettings()).open_datasets(card)


def test_one_class_alone_is_refused(tmp_path):
    """Every model would be right on it."""
    for number in range(12):
        picture(tmp_path / "pets" / "cat" / f"{number}.jpg", seed=number)
    name = f"folder:{tmp_path / 'pets'}"
    for kind in ("linear", "knn", "sensitivity"):
        task = find_task(kind, name)
        with pytest.raises(UserError, match=r"folder:pets has one class alone, .* choose another --label"):
            Session(InputSettings()).open_datasets(task)
    Session(InputSettings()).open_datasets(find_task("rotation", name))


def test_data_that_are_absent_are_named_with_the_way_to_get_them():
    with pytest.raises(UserError, match="--data-dir"):
        Session(InputSettings()).open_datasets(tasks.load_task("linear/dtd"))


def test_one_of_several_processes_is_refused(monkeypatch, checkpoint):
    monkeypatch.setenv("WORLD_SIZE", "2")
    session = Session(InputSettings())
    with pytest.raises(UserError, match="one process; extract its features with 'torchrun"):
        session.open_task(tasks.load_task("knn/blooms"), session.load_checkpoint(str(checkpoint)))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"device": "tpu"}, "no device 'tpu'"), ({"precision": "float8"}, "unknown precision 'float8'")],
)
def test_settings_that_cannot_be_are_refused(checkpoint, options, message):
    session = Session(InputSettings(**options))
    with pytest.raises(UserError, match=message):
        session.load_encoder(session.load_checkpoint(str(checkpoint)))


@pytest.mark.parametrize("suite", ["", "../escaped", "a/b"])
def test_a_suite_that_cannot_be_a_folder_is_refused(suite):
    with pytest.raises(UserError, match="cannot name a suite"):
        EvaluationSettings(suite=suite)
