"""Which task a command or a stored row means."""

from pathlib import Path

import pytest

from loocbench.cards import finding
from loocbench.cards.protocols import load_protocols
from loocbench.errors import UserError
from loocbench.records import store
from loocbench.types import Row

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.parametrize("suite", sorted(path.name for path in RESULTS.iterdir() if path.is_dir()))
def test_every_committed_row_finds_its_card(suite):
    rows = list(store.read_rows(RESULTS, suite))
    assert rows
    for row in rows:
        assert isinstance(row, Row), row
        card = finding.find_task_of_row(row.task, row.dataset)
        assert card is not None, row.task
        assert row.task_version <= card.version
        assert row.dataset == card.dataset
        assert row.metrics.keys() <= set(card.metrics)
        assert card.metric in row.metrics


def test_a_row_of_a_task_that_is_gone_finds_none():
    assert finding.find_task_of_row("linear/gone", "gone") is None
    assert finding.find_task_of_row("linear/folder-birds", "folder:other") is None


@pytest.mark.parametrize("label", ["", "colour of wings"])
def test_a_row_of_a_folder_finds_its_card_again(label, tmp_path):
    dataset = f"folder:{tmp_path / 'My birds'}"
    for protocol in load_protocols():
        if not protocol.for_test_sets and not protocol.variant:
            card = finding.find_task(protocol.kind, dataset, label or None)
            found = finding.find_task_of_row(card.task, "folder:My birds")
            assert (found.task, found.version, found.kind) == (card.task, card.version, card.kind)
            assert found.metrics == card.metrics or protocol.kind == "retrieval"  # whose metrics are named by labels


@pytest.mark.parametrize(
    ("kind", "dataset", "options", "task"),
    [
        ("linear", "dtd", {}, "linear/dtd"),
        ("linear", "blooms", {"label": "color", "solver": "path"}, "linear/blooms-color"),
        ("linear", "blooms", {"label": "species", "solver": "ridge"}, "linear/blooms-ridge"),
        ("knn", "inat-animals-20", {}, "knn/inat-animals-20"),
        ("robustness", "car-colors", {}, "robustness/car-colors"),
        ("robustness", "imagenet100", {"elsewhere": "objectnet13"}, "robustness/objectnet13"),
        ("retrieval", "inat2021-mini", {}, "retrieval/inat2021-mini"),
        ("rotation", "inat2017", {}, "rotation/inat2017"),
    ],
)
def test_a_task_is_found_by_kind_data_set_label_and_variant(kind, dataset, options, task):
    assert finding.find_task(kind, dataset, **options).task == task


@pytest.mark.parametrize(
    ("shots", "ways", "solver", "task"),
    [
        (5, 0, "adam", "few-shot/cub200-5"),
        (10, 0, "path", "few-shot/cub200-10-path"),
        (1, 5, "adam", "episodes/cub200-5way-1shot"),
        (5, 5, "path", "episodes/cub200-5way-5shot"),
    ],
)
def test_a_few_shot_task_is_found_by_its_protocol(shots, ways, solver, task):
    assert finding.find_few_shot_task("cub200", shots=shots, ways=ways, solver=solver).task == task


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("lineer", "blooms"), {}, "unknown task kind 'lineer'. Did you mean 'linear'"),
        (("linear", "bloms"), {}, "unknown data set 'bloms'. Did you mean 'blooms'.*folder:PATH"),
        (("linear", "blooms", "colour"), {}, "unknown label of blooms 'colour'. Did you mean 'color'"),
        (("linear", "blooms", "orientation"), {}, "no label of blooms is called 'orientation'.*rotation/blooms'"),
        (("linear", "blooms", "retrieval"), {}, "no label of blooms is called 'retrieval'.*retrieval/blooms'"),
        (("linear", "blooms"), {"solver": "lbfgs"}, "unknown solver 'lbfgs'. Available: path, ridge, sgd"),
        (("linear", "objectnet13"), {}, "has only test images; evaluate a classifier on it with 'loocbench robustness"),
        (
            ("robustness", "cub200"),
            {"elsewhere": "objectnet13"},
            "objectnet13 evaluates a classifier of imagenet100; add --data",
        ),
        (("robustness", "imagenet100"), {"elsewhere": "cub200"}, "Available: imagenet-c-100, objectnet13"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(arguments, options, message):
    with pytest.raises(UserError, match=message):
        finding.find_task(*arguments, **options)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ({"shots": 3}, "few-shot/cub200-3"),
        ({"shots": 3, "solver": "path", "trials": 20}, "few-shot/cub200-3-path-20trials"),
        ({"shots": 2, "ways": 7}, "episodes/cub200-7way-2shot"),
        ({"shots": 1, "ways": 5, "trials": 100}, "episodes/cub200-5way-1shot-100trials"),
    ],
)
def test_any_numbers_of_shots_ways_and_trials_are_a_task_that_its_name_leads_back_to(numbers, name):
    card = finding.find_few_shot_task("cub200", **numbers)
    assert card.task == name
    asked = {"shots": numbers["shots"], "trials": numbers.get("trials", 2000 if "ways" in numbers else 10)}
    assert asked.items() <= card.protocol.model_dump().items()
    if "ways" in numbers:
        assert card.protocol.lambdas == (1 / (numbers["ways"] * numbers["shots"]),)
    assert finding.find_named_task(name) == card
    assert finding.find_task_of_row(name, "cub200") == card


def test_another_label_has_few_shots_too():
    card = finding.find_few_shot_task("blooms", "color", shots=3)
    assert (card.task, card.labels) == ("few-shot/blooms-color-3", ("color",))
    assert finding.find_task_of_row(card.task, "blooms") == card


@pytest.mark.parametrize("numbers", [{"shots": 0}, {"shots": 1, "ways": 1}, {"shots": 1, "trials": 1}])
def test_numbers_that_make_no_task_are_refused(numbers):
    with pytest.raises(UserError, match="few shots need --shots of 1 or more"):
        finding.find_few_shot_task("cub200", **numbers)


@pytest.mark.parametrize(
    "name", ["few-shot/cub200-0", "few-shot/cub200-x", "episodes/cub200-1way-1shot", "knn/cub200-3"]
)
def test_names_that_no_few_shot_task_has_are_none(name):
    assert finding.find_task_of_row(name, "cub200") is None


def test_the_file_of_a_card_is_a_task(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'task = "linear/mine"\nversion = 1\ntitle = "Mine"\nkind = "linear"\ndataset = "blooms"\nlabels = ["color"]\n'
        "[protocol]\nsolver = 'ridge'\nlambdas = [0.1]\n"
    )
    card = finding.find_named_task(str(path))
    assert (card.task, card.protocol.solver, card.labels) == ("linear/mine", "ridge", ("color",))
    with pytest.raises(UserError, match=r"cannot read card .*other\.toml"):
        finding.find_named_task(str(tmp_path / "other.toml"))


def test_a_task_is_found_by_its_name_or_by_kind_and_folder(tmp_path):
    assert finding.find_named_task("linear/cub200-sgd").protocol.solver == "sgd"
    card = finding.find_named_task(f"knn/folder:{tmp_path / 'birds'}")
    assert (card.task, card.dataset) == ("knn/folder-birds", f"folder:{tmp_path / 'birds'}")
    with pytest.raises(UserError, match="Did you mean 'linear/cub200'"):
        finding.find_named_task("linear/cub2000")
