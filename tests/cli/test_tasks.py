"""The task cards: listed, shown, validated; a bad card is named with its field."""

import json
import tomllib

import pytest

from loocbench.cards import recipes, suites, tasks


def test_all_shipped_cards_are_valid(loocbench):
    said = loocbench("tasks", "validate")
    assert said.code == 0
    assert (
        f"{len(tasks.task_names()) + len(suites.suite_names()) + len(recipes.recipe_names())} cards are valid"
        in said.out
    )


def test_ls_lists_every_card_with_its_version(loocbench):
    listed = json.loads(loocbench("tasks", "ls", "--json").out)
    assert [card["task"] for card in listed] == tasks.task_names()
    assert {"linear/cub200", "rotation/blooms", "retrieval/flowers102"} <= set(tasks.task_names())
    table = loocbench("tasks", "ls").out
    assert all(name in table for name in tasks.task_names())


def test_show_prints_the_card_itself(loocbench):
    said = loocbench("tasks", "show", "linear/cub200")
    assert tomllib.loads(said.out)["task"] == "linear/cub200"


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
    ("change", "message"),
    [
        ("version = ", "version: field required"),
        ('evaluator = "linear"', "evaluator: field required"),
        ("[protocol]", "lambdas: extra inputs are not permitted"),
        ("lambdas = ", "a probe needs protocol.lambdas"),
    ],
)
def test_a_card_without_a_field_is_refused_by_name(one_line, tmp_path, change, message):
    text = (tasks.folder() / "linear" / "cub200.toml").read_text()
    path = tmp_path / "linear" / "cub200.toml"
    path.parent.mkdir()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith(change)))
    assert message in one_line("tasks", "validate", path)


@pytest.mark.parametrize(("text", "message"), [("task =", "not valid TOML"), ('task = "linear/x"\n', "field required")])
def test_what_is_no_card_is_refused(one_line, tmp_path, text, message):
    path = tmp_path / "x.toml"
    path.write_text(text)
    assert message in one_line("tasks", "validate", path)


def test_a_card_that_lies_elsewhere_than_it_says_is_refused(one_line, tmp_path):
    path = tmp_path / "linear" / "other.toml"
    path.parent.mkdir()
    path.write_text((tasks.folder() / "linear" / "cub200.toml").read_text())
    assert "rename one" in one_line("tasks", "validate", path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('dataset = "cub200"', 'dataset = "cub"', "dataset 'cub' is not one of folder, blooms, cub200, flowers102"),
        ('labels = ["class"]', 'labels = ["colour"]', "cub200 has no label 'colour'"),
        ('metric = "top1"', 'metric = "top9"', "metric 'top9' is not one of top1, top5"),
    ],
)
def test_a_task_card_that_names_what_does_not_exist(one_line, tmp_path, before, after, message):
    path = tmp_path / "linear" / "cub200.toml"
    path.parent.mkdir()
    path.write_text((tasks.folder() / "linear" / "cub200.toml").read_text().replace(before, after))
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
    text = (suites.folder() / "demo.toml").read_text()
    path.write_text(text)
    assert loocbench("tasks", "validate", path).code == 0
    path.write_text(text.replace(before, after))
    assert message in one_line("tasks", "validate", path)
