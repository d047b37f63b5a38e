"""``--dataset torchvision:NAME`` in every command that takes a data set, and the suite ``transfer``."""

import json

import pytest

from loocbench.cards import suites, tasks
from loocbench.cards.finding import find_named_task, find_task_of_row
from loocbench.data.torchvision_sets.table import SETS, list_names
from tests.cli.conftest import QUICK
from tests.data.torchvision_sets.layouts import make_cifar, make_eurosat, make_sun, trust_small_files

CIFAR = "torchvision:CIFAR10"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with a few images of CIFAR-10 and EuroSAT."""
    trust_small_files(monkeypatch)
    make_cifar(tmp_path / "data", classes=10)
    make_eurosat(tmp_path / "data")
    return tmp_path / "data"


def test_it_is_measured_stored_and_shown(loocbench, data, tmp_path):
    command = ["--dataset", CIFAR, "--data-dir", data, "--checkpoint", "random:resnet8"]
    found = json.loads(loocbench("knn", *command, "--json").out)
    assert (found["task"], found["dataset"]) == ("knn/torchvision-CIFAR10", CIFAR)
    assert "kept" in loocbench("knn", *command).err
    assert loocbench("few-shot", *command, "--shots", 2, "--trials", 3).code == 0
    assert loocbench("evaluate", "--task", "linear/torchvision-CIFAR10", *command[2:]).code == 0
    stored = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json")]
    assert {row["task"].partition("/")[2] for row in stored} == {"torchvision-CIFAR10", "torchvision-CIFAR10-2-3trials"}
    for row in stored:
        assert set(row["fingerprints"]) == {"train", "val", "test"}
        assert row["edition"].startswith("torchvision:CIFAR10 pixels ")
        assert row["dataset_note"].startswith("subset 72 of 60,000")
        assert find_task_of_row(row["task"], row["dataset"]).task == row["task"]
    page = loocbench("report", "--all", "--format", "markdown").out
    assert "CIFAR10 kNN" in page
    assert "CIFAR10 2-shot" in page


def test_a_drawn_split_is_told(loocbench, data):
    said = loocbench("knn", "--dataset", "torchvision:EuroSAT", "--data-dir", data, "--checkpoint", "random:resnet8")
    assert said.code == 0, said.err
    told = "torchvision:EuroSAT has no official splits: a fifth of each class is test, seeded"
    assert told in " ".join(said.err.split())


def test_it_is_pretrained_on(loocbench, data, tmp_path):
    said = loocbench("pretrain", "--dataset", CIFAR, "--data-dir", data, "--method", "moco", *QUICK)
    assert said.code == 0, said.err
    assert (tmp_path / "runs" / "moco-torchvision-CIFAR10-s0" / "checkpoint.safetensors").is_file()


def test_datasets_commands_know_it(loocbench, one_line, data, tmp_path):
    said = loocbench("datasets", "ls", "--data-dir", data)
    assert CIFAR in said.out
    assert "torchvision:NAME reads torchvision's: CIFAR10, CIFAR100, Caltech101" in said.out
    listed = {
        one["name"]: one
        for one in json.loads(loocbench("datasets", "ls", "--data-dir", data, "--json").out)["datasets"]
    }
    assert listed[CIFAR]["state"] == "partial"  # a subset
    assert {name for name in listed if name.startswith("torchvision:")} == {CIFAR, "torchvision:EuroSAT"}
    assert "72 images decoded" in loocbench("datasets", "verify", CIFAR, "--data-dir", data).out
    shown = loocbench("datasets", "show", CIFAR, "--data-dir", data)
    assert "class, 2 values: cat, dog" in shown.out
    assert (tmp_path / "contact-torchvision-CIFAR10.png").is_file()
    assert loocbench("datasets", "prepare", CIFAR, "--data-dir", data).code == 0  # which is there
    line = one_line("datasets", "prepare", "torchvision:StanfordCars", "--data-dir", data)
    assert "is not downloaded for you (https://docs.pytorch.org" in line
    assert f"into stanford_cars/, below {data}." in line
    line = one_line("datasets", "prepare", "torchvision:SUN397", "--data-dir", data, "--mirror", "https://x")
    assert "leave --mirror out" in line


def test_prepare_has_torchvision_download_it_whole_or_not_at_all(loocbench, one_line, tmp_path, monkeypatch):
    def download(url, download_root, md5):
        make_sun(tmp_path / "made")
        (tmp_path / "made" / "SUN397").rename(f"{download_root}/SUN397")

    monkeypatch.setattr("torchvision.datasets.sun397.download_and_extract_archive", download)
    said = loocbench("datasets", "prepare", "torchvision:SUN397", "--data-dir", tmp_path / "data")
    assert said.code == 0, said.err
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"SUN397", "downloads"}

    def fail(url, download_root, md5):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.eurosat.download_and_extract_archive", fail)
    line = one_line("datasets", "prepare", "torchvision:EuroSAT", "--data-dir", tmp_path / "data")
    assert "torchvision cannot download torchvision:EuroSAT (no network)" in line
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"SUN397", "downloads"}


def test_what_is_not_there_says_where_it_is_looked_for(one_line, tmp_path):
    line = one_line("knn", "--dataset", CIFAR, "--data-dir", tmp_path, "--checkpoint", "random:resnet8")
    assert f"no torchvision:CIFAR10 in {tmp_path}: run 'loocbench datasets prepare torchvision:CIFAR10'" in line
    assert "put the data set's folder cifar-10-batches-py/ there" in line


def test_an_unknown_name_is_refused_with_the_nearest(one_line):
    line = one_line("knn", "--dataset", "torchvision:CIFAR11", "--checkpoint", "random:resnet8")
    assert "unknown data set of torchvision 'CIFAR11'. Did you mean 'CIFAR1" in line


def test_its_tasks_are_listed_where_they_are_asked_for(loocbench):
    named = {card["task"] for card in json.loads(loocbench("tasks", "ls", "--dataset", CIFAR, "--json").out)["tasks"]}
    assert {"linear/torchvision-CIFAR10", "few-shot/torchvision-CIFAR10-5", "rotation/torchvision-CIFAR10"} < named
    assert not any("torchvision" in name for name in tasks.task_names())
    of_dtd = json.loads(loocbench("tasks", "ls", "--dataset", "torchvision:DTD", "--json").out)["tasks"]
    assert {card["dataset"] for card in of_dtd} == {"dtd"}
    shown = loocbench("tasks", "show", "linear/torchvision-SUN397").out
    assert 'dataset = "torchvision:SUN397"' in shown
    assert "AugSelf" in shown


@pytest.mark.parametrize("name", SETS)
def test_every_kind_of_task_exists_on_each(name):
    for task in tasks.task_names(name):
        assert find_named_task(task).dataset == name
    assert len(tasks.task_names(name)) == len(tasks.task_names("dtd"))


def test_an_alias_is_the_same_task(loocbench):
    assert (
        loocbench("tasks", "ls", "--dataset", "torchvision:Flowers102", "--json").out
        == loocbench("tasks", "ls", "--dataset", "flowers102", "--json").out
    )


def test_the_suite_transfer_has_the_data_sets_of_augself_that_are_here(loocbench, data, tmp_path):
    card = suites.load_suite("transfer")
    assert len(card.tasks) == 12
    of_torchvision = [task for task in card.tasks if "torchvision-" in task]
    assert {task.partition("torchvision-")[2] for task in of_torchvision} < set(list_names())
    for task in of_torchvision:
        assert "AugSelf" in tasks.load_task(task).description
        assert tasks.load_task(task).published == ()
    said = loocbench("run", "transfer", "--checkpoint", "random:resnet8", "--data-dir", data, "--dry-run", "--json")
    rows = json.loads(said.out)["models"][0]["rows"]
    states = {row["task"]: row["state"] for row in rows}
    assert states["linear/torchvision-CIFAR10"] == "to do"
    assert states["linear/torchvision-SUN397"] == "impossible"
