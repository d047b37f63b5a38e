"""``compare``: differences task by task, and the images behind them.

Covers loocbench.jobs.compare, loocbench.report.formats.two_experiments and
loocbench.report.figures.contact_sheet.

Covers ``loocbench.cli.compare``.
"""

import json

import numpy as np
import pytest
from PIL import Image

from loocbench.records import store
from loocbench.report.figures import contact_sheet
from loocbench.types import Items, Metric
from tests.conftest import tiny_recipe
from tests.records.rows import make_path, make_row


def keep(tmp_path, checkpoint, right, *, model, seed=0, features="looc", **changes):
    """A stored row whose answers are ``right``."""
    share = float(np.mean(right))
    kept = make_row(
        checkpoint=checkpoint,
        checkpoint_hash=f"{abs(hash(checkpoint)):064x}"[-64:],
        model=model,
        features=features,
        recipe=tiny_recipe("moco", seed=seed),
        seed=seed,
        metrics={"top1": Metric(value=share, low=share - 0.1, high=share + 0.1, n=len(right))},
        **{"items": {"top1": Items.of(np.asarray(right))}, **changes},
    )
    store.write_row(make_path(tmp_path / "results", "local", kept), kept)
    return kept


@pytest.fixture
def two(tmp_path, tiny_blooms):
    """Two models' answers to the 64 test images of the tiny flowers."""
    fingerprints = {name: split.fingerprint for name, split in tiny_blooms.splits.items()}
    first = np.ones(64, dtype=bool)
    first[60:] = False
    second = np.ones(64, dtype=bool)
    second[:20] = False
    for name, right in (("a", first), ("b", second)):
        keep(tmp_path, name, right, model=f"Model {name}", fingerprints=fingerprints, edition=tiny_blooms.edition())
    return first, second


@pytest.mark.usefixtures("only_tiny_blooms", "two")
def test_differences_and_the_images_behind_them(loocbench, tiny_blooms, tmp_path):
    said = loocbench("compare", "a", "b")
    assert said.code == 0, said.err
    assert "20 / 4" in said.out
    assert "+25.0" in said.out
    assert tiny_blooms.splits["test"].items[0] in said.out
    found = json.loads(loocbench("compare", "Model a", "Model b", "--json").out)
    (task,) = found["tasks"]
    assert task["result"]["difference"] == pytest.approx(16 / 64)
    assert (task["result"]["test"], task["result"]["only_first"], task["result"]["only_second"]) == ("McNemar", 20, 4)
    assert task["right_alone"] == {"first": list(range(20)), "second": [60, 61, 62, 63]}
    assert task["names"]["second"] == list(tiny_blooms.splits["test"].items[60:])


@pytest.mark.usefixtures("only_tiny_blooms")
def test_there_is_no_sheet_of_files_that_changed(loocbench, tmp_path, tiny_blooms):
    fingerprints = {name: split.fingerprint for name, split in tiny_blooms.splits.items()}
    for name in ("a", "b"):
        right = np.arange(64) % 2 == (name == "a")
        keep(tmp_path, name, right, model=f"Model {name}", fingerprints=fingerprints, edition="renewed")
    said = loocbench("compare", "a", "b", "--pictures", tmp_path / "sheets")
    assert "the files of blooms here are not the measured ones" in " ".join(said.err.split())
    assert not list((tmp_path / "sheets").glob("*.png"))


@pytest.mark.usefixtures("only_tiny_blooms", "two")
def test_a_sheet_of_the_images(loocbench, tmp_path):
    said = loocbench("compare", "a", "b", "--pictures", tmp_path / "sheets")
    (picture,) = (tmp_path / "sheets").glob("*.png")
    assert f"picture: {picture}" in said.out
    assert np.asarray(Image.open(picture).convert("L")).std() > 10


@pytest.fixture
def captions(monkeypatch):
    """The captions of the contact sheets that are drawn."""
    found = []
    monkeypatch.setattr(contact_sheet, "draw_contact_sheet", lambda images, texts, *_: found.extend(texts))
    return found


@pytest.mark.usefixtures("only_tiny_blooms")
def test_images_stand_below_their_class_and_both_predictions(loocbench, tmp_path, tiny_blooms, captions):
    split = tiny_blooms.splits["test"]
    wanted = split.labels["species"]
    names = split.class_names["species"]
    fingerprints = {name: split.fingerprint for name, split in tiny_blooms.splits.items()}
    for name, first_right in (("a", 2), ("b", 0)):
        predicted = np.where(np.arange(64) < first_right, wanted, np.where(np.arange(64) < 4, (wanted + 1) % 2, wanted))
        right = predicted == wanted
        items = {"top1": Items.of(right), "predicted": Items.of(predicted.astype(np.int64))}
        keep(tmp_path, name, right, model=name, fingerprints=fingerprints, edition=tiny_blooms.edition(), items=items)
    assert loocbench("compare", "a", "b", "--pictures", tmp_path / "sheets").code == 0
    assert captions == [
        f"{names[wanted[index]]}\nA: right\nB: {names[(wanted[index] + 1) % 2]}".replace("_", " ") for index in (0, 1)
    ]


@pytest.mark.usefixtures("only_tiny_blooms", "two")
def test_predictions_that_no_row_holds_are_said_to_be_missing(loocbench, tmp_path, captions):
    assert loocbench("compare", "a", "b", "--pictures", tmp_path / "sheets").code == 0
    assert len(captions) == 24
    assert captions[0].endswith("A: right\nB: wrong (as what was not stored)")
    assert captions[-1].endswith("A: wrong (as what was not stored)\nB: right")


@pytest.mark.usefixtures("two")
def test_images_of_another_copy_have_numbers(loocbench):
    said = loocbench("compare", "a", "b")  # the whole set of flowers is not the tiny one that was measured
    assert "right by B alone: #60, #61, #62 and 1 more" in said.out
    assert "is not the one that was measured" in said.out


def test_several_seeds_are_paired_by_seed(loocbench, tmp_path):
    generator = np.random.default_rng(0)
    for seed in range(3):
        easy = generator.random(200) < 0.5
        keep(tmp_path, f"a{seed}", easy, model="A", seed=seed)
        keep(tmp_path, f"b{seed}", easy & (generator.random(200) < 0.4), model="B", seed=seed)
    (task,) = json.loads(loocbench("compare", "A", "B", "--json").out)["tasks"]
    assert (task["result"]["test"], task["result"]["seeds"]) == ("bootstrap", [3, 3])
    assert task["result"]["by_seed"]
    assert 0 < task["result"]["low"] < task["result"]["difference"] < task["result"]["high"]


def test_two_features_of_one_checkpoint(loocbench, tmp_path):
    right = np.arange(100) % 2 == 0
    keep(tmp_path, "run", right, model="A", features="head:color")
    keep(tmp_path, "run", ~right, model="A", features="head:rotation")
    (task,) = json.loads(loocbench("compare", "run@head:color", "run@head:rotation", "--json").out)["tasks"]
    assert (task["result"]["difference"], task["result"]["p"]) == (0, 1)


def test_what_cannot_be_tested_says_why(loocbench, tmp_path):
    keep(tmp_path, "a", np.ones(50, dtype=bool), model="A")
    keep(tmp_path, "b", np.ones(50, dtype=bool), model="B", fingerprints={"test": "others"})
    keep(tmp_path, "c", np.ones(50, dtype=bool), model="C", draws="drawn")
    old = make_row(checkpoint="d", checkpoint_hash="d" * 64, model="D", features="looc")
    store.write_row(make_path(tmp_path / "results", "local", old), old)
    reasons = {
        name: json.loads(loocbench("compare", "a", name, "--json").out)["tasks"][0]["reason"]
        for name in ("b", "c", "d")
    }
    assert reasons == {
        "b": "measured on different images",
        "c": "different images were drawn; measure with the same --seed",
        "d": "no single items are stored; measure again with --overwrite",
    }


@pytest.mark.usefixtures("two")
def test_names_that_do_not_say_which(one_line):
    assert "There are: Model a, a, Model b, b" in one_line("compare", "a", "c")
    assert "are the same" in one_line("compare", "a", "Model a")
    assert "say which features of 'a' with 'a@FEATURES': looc." in one_line("compare", "a@head", "b")


def test_no_rows_at_all(one_line):
    assert "no measured rows" in one_line("compare", "a", "b")
