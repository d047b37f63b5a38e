"""``loocbench knn``, ``few-shot`` and ``select`` as a person uses them.

Covers ``loocbench.cli.knn``, ``loocbench.cli.few_shot``, ``loocbench.cli.select`` and ``loocbench.jobs.select``.
"""

import json
import shutil

import pytest

from tests.cli.conftest import QUICKER
from tests.conftest import make_cub, make_flowers

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def pretrained(trained, tmp_path):
    """A run of MoCo."""
    shutil.copytree(trained["moco"].parent, tmp_path / "runs" / "moco")


@pytest.mark.usefixtures("pretrained")
def test_knn(loocbench):
    said = loocbench("knn", "--label", "color", "--json")
    found = json.loads(said.out)
    assert found["task"] == "knn/blooms-color"
    assert set(found["metrics"]) == {"top1", "top5", "mean_per_class"}


@pytest.mark.usefixtures("pretrained")
@pytest.mark.parametrize(("options", "task"), [([], "flowers102-5"), (["--solver", "path"], "flowers102-5-path")])
def test_few_shots_of_flowers(loocbench, tmp_path, options, task):
    root = make_flowers(tmp_path / "data", images=45)
    found = json.loads(loocbench("few-shot", "--data-dir", root, "--json", *options).out)
    assert found["task"] == f"few-shot/{task}"
    assert found["metrics"]["top1"]["n"] == 10
    (row,) = (json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json"))
    assert len(row["draws"]) == 64


@pytest.mark.usefixtures("pretrained")
def test_few_shots_of_any_data_set(loocbench, tmp_path):
    root = make_cub(tmp_path / "data", images=24)
    found = json.loads(loocbench("few-shot", "--dataset", "cub200", "--data-dir", root, "--json").out)
    assert found["task"] == "few-shot/cub200-5"


@pytest.mark.usefixtures("pretrained")
def test_episodes_that_the_images_do_not_allow_are_refused(one_line):
    assert "have the 20 images per class that an episode of 5 classes needs" in one_line(
        "few-shot", "--dataset", "blooms", "--ways", "5"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ways", "1"], "--ways of 2 or more (or 0: all classes)"),
        (["--solver", "lbfgs"], "unknown solver 'lbfgs'. Available: adam, path."),
        (["--dataset", "cub20"], "unknown data set 'cub20'. Did you mean 'cub200'"),
        (
            ["--dataset", "imagenet-c-100"],
            "evaluate a classifier on it with 'loocbench robustness --elsewhere imagenet-c",
        ),
    ],
)
def test_protocols_and_data_sets_that_do_not_exist_are_refused_with_those_that_do(one_line, options, message):
    assert message in one_line("few-shot", *options)


def test_select_tries_every_combination_on_validation_and_tests_the_best(loocbench, monkeypatch):
    from loocbench.jobs.measurement import Measurement

    assert loocbench("pretrain", "--method", "looc", *QUICKER).code == 0
    seen = []
    real = Measurement.blocks
    monkeypatch.setattr(
        Measurement,
        "blocks",
        lambda self, split, **more: (seen.append((split, self.features_name)), real(self, split, **more))[1],
    )
    found = json.loads(loocbench("select", "--label", "color", "--json").out)
    names = {one["features"] for one in found["candidates"]}
    heads = ("head:invariant", "head:color", "head:rotation")
    pairs = {f"{heads[0]}+{heads[1]}", f"{heads[0]}+{heads[2]}", f"{heads[1]}+{heads[2]}"}
    assert names == {"looc", *heads, *pairs, "looc++"}
    best = max(one["val_top1"] for one in found["candidates"])
    assert found["features"] == found["candidates"][0]["features"]
    assert found["candidates"][0]["val_top1"] == best
    assert {name for split, name in seen if split == "test"} == {found["features"]}  # looked at once
    assert "val top-1" in loocbench("select", "--label", "color").out


def test_select_of_a_network_with_one_head(loocbench):
    """Fewer training images than dimensions: solved from inner products."""
    assert loocbench("pretrain", "--method", "moco", *QUICKER).code == 0
    found = json.loads(loocbench("select", "--label", "color", "--json").out)
    assert {one["features"] for one in found["candidates"]} == {"looc", "looc++"}
