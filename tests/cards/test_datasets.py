"""Data set cards: what differs on one data set, and the figures that were published on it. Covers
``loocbench.cards.folder``."""

import pytest

from loocbench.cards import datasets
from loocbench.cards.folder import tasks_folder
from loocbench.data.entries import ENTRIES
from loocbench.data.torchvision_sets.table import SETS
from loocbench.errors import UserError

CARD = """
dataset = "blooms"

[[tasks]]
protocol = "knn"
label = "color"
title = "Mine"

[[tasks.published]]
model = "MoCo"
source = "somewhere"
metrics = { top1 = 0.5 }
spread = { top1 = 0.01 }
"""


def test_a_data_set_without_a_card_states_nothing():
    card = datasets.load_dataset_card("dtd")
    assert not (tasks_folder() / "datasets" / "dtd.toml").exists()
    assert (card.dataset, card.tasks, card.classifier_of) == ("dtd", (), "")


def test_every_test_set_says_whose_classifier_is_judged_on_it():
    judged = {name: datasets.load_dataset_card(name).classifier_of for name in ENTRIES if ENTRIES[name].test_only}
    assert judged == {"imagenet-c-100": "imagenet100", "objectnet13": "imagenet100"}
    assert not any(datasets.load_dataset_card(name).classifier_of for name in ENTRIES.keys() - judged.keys())


def test_every_card_is_of_a_data_set_that_exists():
    stems = {path.stem for path in (tasks_folder() / "datasets").glob("*.toml")}
    names = {datasets.dataset_stem(name): name for name in (*ENTRIES, *SETS, datasets.ANY_FOLDER)}
    assert stems <= names.keys()
    for stem in stems:
        assert datasets.load_dataset_card(names[stem]).dataset == names[stem]


def test_what_is_stated_is_found_by_protocol_and_label(tmp_path):
    path = tmp_path / "blooms.toml"
    path.write_text(CARD)
    card = datasets.read_dataset_card(path)
    assert card.find_task("knn", "color").title == "Mine"
    assert card.find_task("knn", "color").published[0].metrics == {"top1": 0.5}
    assert card.find_task("knn", "") == datasets.TaskOnDataset(protocol="knn")
    assert card.find_task("linear", "color") == datasets.TaskOnDataset(protocol="linear", label="color")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"blooms"', '"cub200"', "dataset is 'cub200', but the file is blooms.toml; rename one"),
        ('dataset = "blooms"', 'dataset = "blooms"\nclassifier_of = "nothing"', "dataset 'nothing' is not one of"),
        ('"knn"', '"kn"', "unknown protocol 'kn'. Did you mean 'knn'"),
        ('"color"', '"colour"', "blooms has no further label 'colour'"),
        ("top1 = 0.5", "top1 = 50", "published accuracies are fractions of 1"),
        ("spread = { top1", "spread = { top5", "spread of 'top5', which has no figure"),
        ("metrics = { top1 = 0.5 }", "metrics = {}", "at least 1 item"),
    ],
)
def test_a_mistake_is_named(tmp_path, before, after, message):
    path = tmp_path / "blooms.toml"
    path.write_text(CARD.replace(before, after, 1))
    with pytest.raises(UserError, match=message):
        datasets.read_dataset_card(path)
