"""The tasks and cards: listed, shown, validated; a bad card is named with its field."""

import json
import tomllib

import pytest
import tomli_w

from loocbench.cards import protocols, suites, tasks
from loocbench.cards.folder import tasks_folder
from loocbench.cli.tasks import app


@pytest.fixture
def shown(loocbench):
    """The card of a probe of CUB-200 as ``tasks show`` prints it."""
    said = loocbench("tasks", "show", "linear/cub200")
    assert said.code == 0, said.err
    return tomllib.loads(said.out)


def test_cards_can_be_listed_shown_and_validated():
    assert [command.name for command in app.registered_commands] == ["ls", "show", "validate"]


def test_all_shipped_cards_are_valid(loocbench):
    said = loocbench("tasks", "validate")
    assert said.code == 0
    assert f"{len(list(tasks_folder().rglob('*.toml')))} cards are valid" in said.out


def test_ls_lists_every_task_with_its_version(loocbench):
    listed = json.loads(loocbench("tasks", "ls", "--json").out)["tasks"]
    assert [card["task"] for card in listed] == tasks.task_names()
    assert {"linear/cub200", "rotation/blooms", "retrieval/flowers102"} <= set(tasks.task_names())
    table = loocbench("tasks", "ls", "--dataset", "blooms").out
    assert all(card["task"] in table for card in listed if card["dataset"] == "blooms")


def test_ls_can_be_narrowed_to_a_kind_and_a_data_set(loocbench, one_line):
    listed = json.loads(loocbench("tasks", "ls", "--kind", "linear", "--dataset", "cub200", "--json").out)["tasks"]
    assert [card["task"] for card in listed] == ["linear/cub200", "linear/cub200-ridge", "linear/cub200-sgd"]
    listed = json.loads(loocbench("tasks", "ls", "--dataset", "objectnet13", "--json").out)["tasks"]
    assert [card["task"] for card in listed] == ["robustness/objectnet13"]
    assert "Did you mean 'linear'" in one_line("tasks", "ls", "--kind", "linea")
    assert "Did you mean 'cub200'" in one_line("tasks", "ls", "--dataset", "cub20")


def test_show_prints_a_card_that_validates_and_is_the_task(loocbench, shown, tmp_path):
    assert shown["task"] == "linear/cub200"
    assert shown["protocol"]["tolerance"] == 1e-7
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(shown))
    assert "1 card is valid" in loocbench("tasks", "validate", path).out
    assert tasks.read_task(path) == tasks.load_task("linear/cub200")


def test_published_figures_are_the_papers(loocbench):
    """Table 2 of Xiao et al. 2021, the CUB-200 columns."""
    published = {entry.model: entry.metrics for entry in tasks.load_task("linear/cub200").published}
    assert published == {
        "MoCo": {"top1": 0.367, "top5": 0.647},
        "LooC (color)": {"top1": 0.401, "top5": 0.697},
        "LooC (rotation)": {"top1": 0.388, "top5": 0.670},
        "LooC (color, rotation)": {"top1": 0.396, "top5": 0.692},
        "LooC++ (color, rotation)": {"top1": 0.393, "top5": 0.693},
    }


def test_an_unknown_task(one_line):
    assert "Did you mean 'linear/cub200'" in one_line("tasks", "show", "linear/cub20")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("version", "version: field required"),
        ("kind", "kind: field required"),
        ("labels", "a classifier predicts exactly one label"),
        ("protocol", "the solver path needs protocol.lambdas"),
    ],
)
def test_a_task_without_a_field_is_refused_by_name(one_line, shown, tmp_path, field, message):
    del shown[field]
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(shown))
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "cub"}, "unknown data set 'cub'. Did you mean 'cub200'"),
        ({"elsewhere": "cub"}, "unknown data set 'cub'. Did you mean 'cub200'"),
        ({"labels": ["colour"]}, "unknown label of cub200 'colour'. Available: class."),
        ({"kind": "liner"}, "kind 'liner' is not one of linear, knn"),
        ({"lambdas": [1.0]}, "lambdas: unknown key"),
        ({"protocol": {"lambdas": [1.0], "steps": 3}}, "protocol: steps: unknown key"),
        ({"protocol": {"lambdas": [1.0], "solver": "lbfgs"}}, "solver of linear is one of path, ridge, sgd"),
        (
            {"published": [{"model": "m", "source": "s", "metrics": {"top9": 0.5}}]},
            "published metric 'top9' is not one of top1, top5",
        ),
        (
            {"published": [{"model": "m", "source": "s", "metrics": {"top1": 50}}]},
            "published accuracies are fractions of 1",
        ),
    ],
)
def test_a_task_that_names_what_does_not_exist(one_line, shown, tmp_path, changes, message):
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps({**shown, **changes}))
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize(("text", "message"), [("task =", "not valid TOML"), ('task = "linear/x"\n', "field required")])
def test_a_file_that_is_not_a_card_is_refused(one_line, tmp_path, text, message):
    path = tmp_path / "x.toml"
    path.write_text(text)
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize("folder", ["protocols", "datasets"])
def test_a_card_in_another_file_than_it_says_is_refused(one_line, tmp_path, folder):
    path = tmp_path / folder / "other.toml"
    path.parent.mkdir()
    path.write_text(
        (tasks_folder() / folder / {"protocols": "linear", "datasets": "cub200"}[folder])
        .with_suffix(".toml")
        .read_text()
    )
    assert "rename one" in one_line("tasks", "validate", path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('kind = "linear"', 'kind = "liner"', "kind 'liner' is not one of linear, knn"),
        ("version = 3", "", "version: field required"),
        ("tolerance =", "tolerence =", "tolerence: unknown key; did you mean 'tolerance'?"),
        ("1e-6, 1e-5", "-1, 1e-5", "lambdas.0: input should be greater than 0"),
    ],
)
def test_a_protocol_card_with_a_mistake_is_refused_by_field(one_line, loocbench, tmp_path, before, after, message):
    path = tmp_path / "protocols" / "linear.toml"
    path.parent.mkdir()
    text = (protocols.protocols_folder() / "linear.toml").read_text()
    path.write_text(text)
    assert loocbench("tasks", "validate", path).code == 0
    assert before in text
    path.write_text(text.replace(before, after))
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('dataset = "blooms"', 'dataset = "bloom"', "rename one"),
        (
            'dataset = "blooms"',
            'dataset = "blooms"\nclassifier_of = "imagenet"',
            "'imagenet' is not one of blooms, cub",
        ),
        ('protocol = "knn"', 'protocol = "kn"', "unknown protocol 'kn'. Did you mean 'knn'"),
        ('label = "color"', 'label = "colour"', "blooms has no further label 'colour'"),
        ('label = "color"', 'label = "species"', "blooms has no further label 'species'"),  # the main one is not stated
        ("title =", "titel =", "tasks.0.titel: unknown key"),
    ],
)
def test_a_data_set_card_that_names_what_does_not_exist(one_line, loocbench, tmp_path, before, after, message):
    path = tmp_path / "datasets" / "blooms.toml"
    path.parent.mkdir()
    text = (tasks_folder() / "datasets" / "blooms.toml").read_text()
    path.write_text(text)
    assert loocbench("tasks", "validate", path).code == 0
    assert before in text
    path.write_text(text.replace(before, after, 1))
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"linear/blooms"', '"linear/bloom"', "Did you mean 'linear/blooms'"),
        ('pretrain_on = "blooms"', 'pretrain_on = "bloms"', "Did you mean 'blooms'"),
        ('method = "moco"', 'method = "mocco"', "Did you mean 'moco'"),
        ('backbone = "resnet8"', 'backbone = "resnet9"', "unknown backbone"),
        ('"head:color"', '"head:colour"', "Did you mean 'head:color'"),
    ],
)
def test_a_suite_card_that_names_what_does_not_exist(one_line, loocbench, tmp_path, before, after, message):
    path = tmp_path / "suites" / "demo.toml"
    path.parent.mkdir()
    text = (suites.suites_folder() / "demo.toml").read_text()
    path.write_text(text)
    assert loocbench("tasks", "validate", path).code == 0
    path.write_text(text.replace(before, after))
    assert message in one_line("tasks", "validate", path)


OWN = """
task = "knn/mine"
version = 1
title = "Shapes, nearest"
description = "One neighbour."
kind = "knn"
dataset = "blooms"
labels = ["species"]
cost = "seconds"
"""


@pytest.mark.usefixtures("only_tiny_blooms")
def test_tables_call_a_task_of_ones_own_by_the_title_of_its_card(loocbench, tmp_path):
    """Also where the card is gone: the row says it."""
    settings = tomllib.loads(loocbench("tasks", "show", "knn/blooms").out)["protocol"]
    card = tmp_path / "mine.toml"
    card.write_text(OWN + tomli_w.dumps({"protocol": settings}))
    said = loocbench("evaluate", "--task", card, "--checkpoint", "random:resnet8")
    assert said.code == 0, said.err
    card.unlink()
    shown = loocbench("report", "--format", "markdown").out
    assert "Shapes, nearest, top-1 (v1)" in shown
    assert "knn/mine" not in shown
