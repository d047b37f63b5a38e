"""The whole way from the command line: pretrain, probe, rotation, retrieve, report; and the demo.

Covers ``loocbench.cli.probe``, ``loocbench.cli.rotation``, ``loocbench.cli.retrieve``, ``loocbench.cli.show_rows`` and
``loocbench.cli.demo``.
"""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import QUICK, QUICKER
from tests.conftest import make_cub, make_flowers


def measure(loocbench, *arguments):
    said = loocbench(*arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)  # exactly one JSON object, nothing around it


@pytest.mark.usefixtures("only_tiny_blooms")
def test_from_images_to_the_table(loocbench, tmp_path):
    for method in ("moco", "looc++"):
        assert loocbench("pretrain", "--method", method, *QUICKER).code == 0
    assert sorted(path.name for path in (tmp_path / "runs").glob("[!.]*")) == [
        "loocpp-color-rotation-blooms-s0",
        "moco-blooms-s0",
    ]

    probe = measure(loocbench, "probe", "--label", "color")
    assert probe.keys() == {
        *("task", "dataset", "features", "checkpoint", "seed", "metrics", "scale", "stated", "chosen", "certificate"),
        "row",
    }
    assert (probe["task"], probe["features"]) == ("linear/blooms-color", "looc++")
    assert probe["checkpoint"] == "loocpp-color-rotation-blooms-s0"  # the newest
    top1 = probe["metrics"]["top1"]
    assert top1.keys() == {"value", "low", "high", "n"}
    assert 0 <= top1["low"] <= top1["value"] <= top1["high"] <= 1
    assert top1["n"] == 64
    assert measure(loocbench, "probe")["metrics"]["top5"]["value"] >= 0.4  # ten species

    rotation = measure(loocbench, "rotation", "--checkpoint", "moco-blooms-s0")
    assert rotation["metrics"]["top1"]["n"] == 64  # images, not turns
    measure(loocbench, "rotation", "--checkpoint", "random:resnet8")

    retrieval = measure(loocbench, "retrieve", "--features", "head:color")
    kinds, metrics = ("species", "color", "species_and_color"), ("recall1", "recall5", "recall10", "map", "map_at_r")
    assert {f"{kind}_{metric}" for kind in kinds for metric in (*metrics, "r_precision")} == retrieval["metrics"].keys()
    (picture,) = (tmp_path / "results" / "local").glob("loocpp*/*.png")
    assert Image.open(picture).size[0] > 500

    report = loocbench("report", "--output", tmp_path / "results" / "local")
    assert report.code == 0
    page = (tmp_path / "results" / "local" / "table.md").read_text()
    for name in ("| Random |", "| MoCo |", "| LooC++ (color, rotation) | `head:color` |"):
        assert name in page
    assert f"{top1['value'] * 100:.1f} ±" in page
    assert not re.search(r"\.part\b", " ".join(str(path) for path in tmp_path.rglob("*")))


@pytest.mark.usefixtures("only_tiny_blooms")
def test_pretraining_is_a_pure_function_of_recipe_and_images(loocbench, tmp_path):
    for name in ("a", "b"):
        assert loocbench("pretrain", *QUICKER, "--name", name).code == 0
    cards = [json.loads((tmp_path / "runs" / name / "card.json").read_text()) for name in ("a", "b")]
    assert cards[0]["weights"] == cards[1]["weights"]


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_measured_row_is_kept_and_overwritten_only_on_request(loocbench, tmp_path):
    command = ("probe", "--checkpoint", "random:resnet8")
    first = measure(loocbench, *command)
    (path,) = (tmp_path / "results" / "local").glob("*/*.json")
    created = json.loads(path.read_text())["created"]
    said = loocbench(*command, "--json")
    assert "measured before, kept" in said.err
    assert json.loads(said.out) == first
    assert json.loads(path.read_text())["created"] == created
    assert measure(loocbench, *command, "--overwrite") == first  # the same figures, measured again
    assert json.loads(path.read_text())["created"] > created


@pytest.mark.usefixtures("only_tiny_blooms")
def test_an_untrained_network_depends_on_the_seed(loocbench):
    values = [
        measure(loocbench, "probe", "--checkpoint", "random:resnet8", "--seed", seed)["metrics"]["top1"]["value"]
        for seed in (0, 1)
    ]
    assert values[0] != values[1]


def test_a_row_carries_what_reproduces_it(loocbench, tmp_path):
    measure(
        loocbench, "probe", "--dataset", "cub200", "--data-dir", make_cub(tmp_path), "--checkpoint", "random:resnet8"
    )
    (path,) = (tmp_path / "results" / "local").glob("*/*.json")
    row = json.loads(path.read_text())
    assert row["dataset_note"] == "subset 24 of 11,788, re-encoded"
    assert row["fingerprints"].keys() == {"train", "val", "test"}
    assert len(row["checkpoint_hash"]) == 64
    assert row["versions"]["torch"] == torch.__version__
    assert row["certificate"] <= 1e-5
    assert row["curve"]
    assert row["hardware"]


def test_pretrained_on_one_data_set_and_probed_on_another(loocbench, tmp_path):
    make_flowers(tmp_path)
    make_cub(tmp_path)
    assert loocbench("pretrain", "--dataset", "flowers102", "--data-dir", tmp_path, *QUICK).code == 0
    for command in ("probe", "rotation", "retrieve"):
        result = measure(loocbench, command, "--dataset", "cub200", "--features", "looc++", "--data-dir", tmp_path)
        assert result["dataset"] == "cub200"
    assert "color_agreement" in result["metrics"]
    report = loocbench("report")
    assert "Published" in report.out
    assert "subset 24 of 11,788" in report.out


def test_the_data_folder_comes_from_the_environment(loocbench, tmp_path, monkeypatch):
    monkeypatch.setenv("LOOCBENCH_DATA", str(make_cub(tmp_path)))
    assert measure(loocbench, "probe", "--dataset", "cub200", "--checkpoint", "random:resnet8")["dataset"] == "cub200"


@pytest.mark.realdata
@pytest.mark.slow
def test_real_photographs_from_flowers_to_birds(loocbench, photographs):
    small = ["--epochs", "1", "--image-size", "32", "--backbone", "resnet8", "--knn-every", "0"]
    said = loocbench("pretrain", "--dataset", "flowers102", "--data-dir", photographs, *small)
    assert said.code == 0, said.err
    result = measure(loocbench, "probe", "--features", "looc++", "--dataset", "cub200", "--data-dir", photographs)
    top1 = result["metrics"]["top1"]
    assert top1["n"] == 739
    assert top1["low"] > 1 / 27  # better than chance
    assert result["metrics"]["top5"]["value"] > top1["value"]


@pytest.mark.slow
@pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures")
def test_the_demo_suite_in_small(loocbench, tmp_path, monkeypatch):
    from loocbench.cards import suites

    card = suites.load_suite("demo")
    budget = card.budget.model_copy(update={"epochs": 1, "image_size": 16, "batch_size": 32, "queue_size": 32})
    monkeypatch.setattr(suites, "load_suite", lambda name: card.model_copy(update={"budget": budget}))
    said = loocbench("demo")
    assert said.code == 0, said.err
    page = (tmp_path / "results" / "demo" / "table.md").read_text()
    for model in (
        "Random",
        "MoCo + Rotation",
        "MoCo++ + Rotation",
        "LooC (color, rotation)",
        "LooC++ (color, rotation)",
    ):
        assert f"| {model} |" in page
    pictures = re.findall(r"picture: (\S+)", said.out)
    assert pictures == ["results/demo/profile.png", "results/demo/gallery-retrieval-blooms.s0.png"]
    assert all(np.asarray(Image.open(tmp_path / picture).convert("RGB")).std() > 10 for picture in pictures)
    again = loocbench("demo")
    assert again.err.count("kept, trained before with the same recipe on the same images") == 4
