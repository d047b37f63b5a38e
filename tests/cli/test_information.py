"""``retrieve --controlled``, ``gallery``, ``sensitivity``, ``robustness`` and the probes' other solvers, as used.

Covers ``loocbench.cli.gallery``, ``loocbench.cli.sensitivity`` and ``loocbench.cli.robustness``.
"""

import json

import numpy as np
import pytest
from PIL import Image

from loocbench.cards import tasks
from tests.cli.conftest import QUICKER
from tests.conftest import make_cub

pytestmark = pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures")


def looks_like_a_picture(path):
    return np.asarray(Image.open(path).convert("L")).std() > 10


@pytest.mark.usefixtures("short")
def test_controlled_retrieval_with_its_curve(loocbench, tmp_path):
    said = loocbench("retrieve", "--controlled", "--checkpoint", "random:resnet8", "--json")
    found = json.loads(said.out)
    assert found["task"] == "controlled/blooms"
    assert set(found["metrics"]) == {"hue_kept", "hue_first", "rotation_kept", "rotation_first"}
    (picture,) = (tmp_path / "results").rglob("*.png")
    assert looks_like_a_picture(picture)
    (row,) = (json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json"))
    assert row["scale"]["oracle"]["hue_kept"] == 1


@pytest.mark.usefixtures("short")
def test_sensitivity_of_every_space_and_its_heat_map(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "looc++", *QUICKER).code == 0
    said = loocbench("sensitivity")
    assert said.code == 0, said.err
    for space in ("looc++", "head:invariant", "head:color", "head:rotation"):
        assert space in said.out
    assert all(title in said.out for title in ("equivariance, %", "invariance, %", "top-1 loss, %"))
    (picture,) = (tmp_path / "results").rglob("*.png")
    assert looks_like_a_picture(picture)
    seconds = [json.loads(path.read_text())["seconds"] for path in (tmp_path / "results").rglob("*.json")]
    assert len(seconds) == 4
    assert all(one["evaluator"] > 0 for one in seconds)  # each row's own time, not that of those before it
    *others, extracted = sorted(one["features"] for one in seconds)
    assert extracted > sum(others)  # one pass for all spaces, whose rows then read the cache
    rows = json.loads(loocbench("sensitivity", "--features", "looc++", "--features", "head:color", "--json").out)
    assert [row["features"] for row in rows["rows"]] == ["looc++", "head:color"]


@pytest.mark.usefixtures("short")
def test_robustness(loocbench):
    found = json.loads(loocbench("robustness", "--checkpoint", "random:resnet8", "--json").out)
    assert {"clean_top1", "top1", "gaussian_noise_top1", "noise_top1"} <= set(found["metrics"])


def test_a_data_set_that_no_classifier_is_judged_on_is_refused(one_line):
    said = one_line("robustness", "--dataset", "imagenet100", "--elsewhere", "imagenet-c")
    assert "Did you mean 'imagenet-c-100'" in said
    assert "run 'loocbench datasets prepare" in one_line(
        "robustness", "--dataset", "imagenet100", "--elsewhere", "objectnet13", "--checkpoint", "random:resnet8"
    )


@pytest.mark.parametrize(("solver", "chosen"), [("ridge", "lambda"), ("sgd", "learning_rate")])
def test_the_probes_other_solvers(loocbench, tmp_path, solver, chosen):
    said = loocbench("probe", "--solver", solver, "--checkpoint", "random:resnet8", "--json")
    found = json.loads(said.out)
    assert found["task"] == f"linear/blooms-{solver}"
    assert set(found["metrics"]) == {"top1", "top5", "mean_per_class"}
    (row,) = (json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json"))
    assert list(row["chosen"]) == [chosen]


@pytest.mark.slow
def test_sgd_on_augmented_images(loocbench, tmp_path, monkeypatch):
    make_task = tasks.make_task
    few = {"epochs": 2, "learning_rates": (0.1, 1.0)}

    def shortened(protocol, dataset, label=""):
        card = make_task(protocol, dataset, label)
        return card.model_copy(update={"protocol": card.protocol.model_copy(update=few)})

    monkeypatch.setattr("loocbench.cards.finding.make_task", shortened)
    root = make_cub(tmp_path, images=12)
    options = ("--dataset", "cub200", "--data-dir", root, "--checkpoint", "random:resnet8", "--json")
    first = json.loads(loocbench("probe", "--solver", "sgd", *options).out)
    again = json.loads(loocbench("probe", "--solver", "sgd", *options, "--overwrite").out)
    assert first == again  # the same crops, the same order


def test_an_unknown_solver_is_refused(one_line):
    assert "unknown solver 'lbfgs'" in one_line("probe", "--solver", "lbfgs")


def test_a_gallery_of_several_models(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "moco", *QUICKER).code == 0
    said = loocbench(
        "gallery", "--checkpoint", "moco-blooms-s0", "--checkpoint", "random:resnet8", "--picture", tmp_path / "g.png"
    )
    assert said.code == 0, said.err
    single = Image.open(tmp_path / "g.png")
    assert single.size[1] > single.size[0]  # twelve rows: six queries, two models
    assert looks_like_a_picture(tmp_path / "g.png")
