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
    wanted = {"shots": shots, "ways": ways} if ways else {"shots": shots, "solver": solver}
    assert finding.find_task_by_settings(("few-shot", "episodes"), "cub200", **wanted).task == task


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("lineer", "blooms"), {}, "unknown task kind 'lineer'. Did you mean 'linear'"),
        (("linear", "bloms"), {}, "unknown data set 'bloms'. Did you mean 'blooms'.*folder:PATH"),
        (("linear", "blooms", "colour"), {}, "unknown label of blooms 'colour'. Did you mean 'color'"),
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


def test_a_few_shot_protocol_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UserError, match=r"no protocol with shots=2 and ways=5; .* one of few-shot-10, .*, episodes-5w"):
        finding.find_task_by_settings(("few-shot", "episodes"), "cub200", shots=2, ways=5)


def test_a_task_is_found_by_its_name_or_by_kind_and_folder(tmp_path):
    assert finding.find_named_task("linear/cub200-sgd").protocol.solver == "sgd"
    card = finding.find_named_task(f"knn/folder:{tmp_path / 'birds'}")
    assert (card.task, card.dataset) == ("knn/folder-birds", f"folder:{tmp_path / 'birds'}")
    with pytest.raises(UserError, match="Did you mean 'linear/cub200'"):
        finding.find_named_task("linear/cub2000")
