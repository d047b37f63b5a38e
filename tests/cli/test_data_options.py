"""What commands do with the user's images: ``--skip-damaged``, ``folder:PATH``, ``--in-memory``, test sets.

``loocbench.data.damage``.
"""

import json

import pytest

from tests.cli.conftest import QUICK, QUICKER
from tests.data import layouts


def test_a_damaged_image_stops_a_run_unless_it_is_to_be_skipped(loocbench, one_line, tmp_path):
    layouts.make_folder(tmp_path / "pets", images=15)
    victim = tmp_path / "pets" / "cat" / "3.jpg"
    victim.write_bytes(victim.read_bytes()[:400])
    probe = ["probe", "--dataset", "folder:pets", "--checkpoint", "random:resnet8"]
    assert "3.jpg is damaged" in one_line(*probe)
    said = loocbench(*probe, "--skip-damaged")
    assert said.code == 0
    assert "left out 1 damaged images of folder:pets: cat/3.jpg" in said.err
    (path,) = (tmp_path / "results").rglob("*.json")
    row = json.loads(path.read_text())
    assert row["skipped"] == ["cat/3.jpg"]
    assert row["dataset_note"] == "1 damaged left out"
    assert row["dataset"] == "folder:pets"
    assert "1 damaged left out" in loocbench("report").out


def test_any_folder_can_be_trained_on_probed_and_searched(loocbench, one_line, tmp_path):
    layouts.make_folder(tmp_path / "cars", classes=("old", "new"), images=20)
    rows = [f"{kind}/{i}.jpg,{('red', 'blue')[i % 2]}" for kind in ("old", "new") for i in range(20)]
    (tmp_path / "cars" / "labels.csv").write_text("\n".join(["path,color", *rows]) + "\n")
    assert loocbench("pretrain", "--dataset", "folder:cars", "--method", "looc", *QUICK).code == 0
    for command in (["probe"], ["probe", "--label", "color"], ["rotation"], ["retrieve"]):
        assert loocbench(*command, "--dataset", "folder:cars").code == 0
    tasks = {json.loads(path.read_text())["task"] for path in (tmp_path / "results").rglob("*.json")}
    assert tasks == {
        "linear/folder-cars",
        "linear/folder-cars-color",
        "rotation/folder-cars",
        "retrieval/folder-cars",
    }
    assert "unknown label of folder:cars 'size'" in one_line("probe", "--dataset", "folder:cars", "--label", "size")


@pytest.mark.parametrize("where", ["--in-memory", "--on-device"])
def test_where_images_are_held_changes_no_weight(loocbench, tmp_path, only_tiny_blooms, where):
    for name, option in (("plain", []), ("held", [where])):
        assert loocbench("pretrain", "--name", name, *QUICKER, *option).code == 0
    cards = [json.loads((tmp_path / "runs" / name / "card.json").read_text()) for name in ("plain", "held")]
    assert cards[0]["weights"] == cards[1]["weights"]


def test_images_are_held_in_one_place(one_line):
    assert "exclude each other" in one_line("pretrain", "--in-memory", "--on-device")


def test_a_test_set_cannot_be_trained_on_or_probed(one_line, tmp_path):
    layouts.make_objectnet(tmp_path)
    assert "test set without training images" in one_line(
        "pretrain", "--dataset", "objectnet13", "--data-dir", tmp_path, *QUICK
    )
