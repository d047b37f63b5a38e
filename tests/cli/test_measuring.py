"""``loocbench knn`` and ``few-shot`` as a person uses them."""

import json

import pytest

from tests.cli.conftest import QUICK
from tests.conftest import make_flowers

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def pretrained(loocbench):
    assert loocbench("pretrain", "--method", "moco", *QUICK).code == 0


@pytest.mark.usefixtures("pretrained")
def test_knn(loocbench):
    said = loocbench("knn", "--label", "color", "--json")
    found = json.loads(said.out)
    assert found["task"] == "knn/blooms-color"
    assert set(found["metrics"]) == {"top1", "top5"}


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
def test_episodes_that_the_images_do_not_allow_are_refused(one_line):
    assert "have the 20 images that an episode of 5 classes takes" in one_line(
        "few-shot", "--dataset", "blooms", "--ways", "5"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shots", "3"], "no card for 3 shots like that; there are episodes/flowers102-5way-1shot"),
        (["--solver", "lbfgs"], "unknown solver 'lbfgs'"),
        (["--dataset", "cub200"], "unknown data set 'cub200'"),
    ],
)
def test_protocols_without_a_card_are_refused_with_those_that_exist(one_line, options, message):
    assert message in one_line("few-shot", *options)
