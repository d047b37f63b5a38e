"""``loocbench datasets ls``, ``verify`` and ``show``.

``loocbench.cli.datasets``, ``loocbench.cli.describing``, ``loocbench.jobs.datasets`` and ``loocbench.data.verifying``.

Covers ``loocbench.report.figures.contact_sheet``.
"""

import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.official import Official, Part
from tests.conftest import make_cub, make_flowers, picture
from tests.data import layouts


def test_ls_shows_the_state_of_each(loocbench, tmp_path):
    make_flowers(tmp_path / "data")
    layouts.make_inat(tmp_path / "data", 2019)
    (tmp_path / "data" / "inat2019" / "val2019.json").unlink()
    said = loocbench("datasets", "ls", "--data-dir", tmp_path / "data", "--json")
    listed = {one["name"]: one for one in json.loads(said.out)["datasets"]}
    assert set(listed) == set(ENTRIES)
    assert {name for name, one in listed.items() if one["state"] == "ready"} == {"blooms"}
    assert {name for name, one in listed.items() if one["state"] == "partial"} == {"flowers102", "inat2019", "inat1k"}
    assert listed["flowers102"]["reason"].startswith("subset 24 of 8,189")
    assert "val2019.json" in listed["inat2019"]["reason"]
    assert listed["cub200"]["official_lists"] == {"train": 5994, "test": 5794}
    for one in listed.values():
        assert one["licence"]
        assert one["source"]
    table = loocbench("datasets", "ls", "--data-dir", tmp_path / "data").out
    assert all(name in table for name in ENTRIES)


def test_verify_lists_each_damaged_file_and_ends_with_2(loocbench, tmp_path):
    layouts.make_folder(tmp_path / "pets")
    for name in ("cat/3.jpg", "dog/7.jpg"):
        path = tmp_path / "pets" / name
        path.write_bytes(path.read_bytes()[:400])
    said = loocbench("datasets", "verify", "folder:pets")
    assert said.code == 2
    assert "20 images decoded, 2 of them damaged" in said.out
    assert "cat/3.jpg is damaged" in said.out
    assert "dog/7.jpg is damaged" in said.out
    assert said.err.startswith("loocbench: folder:pets failed the check: 2 damaged images")
    found = json.loads(loocbench("datasets", "verify", "folder:pets", "--json").out)
    assert set(found["damaged"]) == {"cat/3.jpg", "dog/7.jpg"}
    assert not found["sound"]


def test_verify_ends_with_2_on_altered_lists(loocbench, tmp_path, monkeypatch):

    make_cub(tmp_path)
    splits = catalog.open_dataset("cub200", tmp_path).splits
    parts = tuple(Part(name, (name,), len(split)) for name, split in splits.items())
    recorded = dict.fromkeys(splits, "0" * 64)
    changed = replace(ENTRIES["cub200"], official=Official(parts, 3, fingerprints=recorded))
    monkeypatch.setitem(ENTRIES, "cub200", changed)
    said = loocbench("datasets", "verify", "cub200", "--data-dir", tmp_path)
    assert said.code == 2
    assert "mismatch: altered: not the official images, labels or split" in said.out
    assert said.out.count("differs") == 3


def test_verify_accepts_a_subset(loocbench, tmp_path):
    layouts.make_imagenet_c(tmp_path, grouped=False)
    layouts.make_objectnet(tmp_path)
    assert loocbench("datasets", "verify", "imagenet-c-100", "--data-dir", tmp_path).code == 0
    said = loocbench("datasets", "show", "objectnet13", "--data-dir", tmp_path, "--output", tmp_path / "o.png")
    assert "altered: 2 classes instead of 13" in said.out


def test_names_are_shown_as_they_are(loocbench, tmp_path):
    layouts.make_folder(tmp_path / "[bold]pets", classes=("a$\\frac$", "[/b]"))
    said = loocbench("datasets", "show", f"folder:{tmp_path / '[bold]pets'}", "--output", tmp_path / "o.png")
    assert "a$\\frac$, " in said.out or ", a$\\frac$" in said.out
    assert loocbench("datasets", "ls", "--data-dir", tmp_path / "[bold]pets").code == 0


def test_verify_names_images_that_are_in_two_splits(loocbench, tmp_path):
    for split in ("train", "test"):
        layouts.make_folder(tmp_path / "pets", above=split, images=5)
    for path in (tmp_path / "pets" / "test").rglob("*.jpg"):
        picture(path, (30, 24), seed=hash(path.parent.name) % 1000 + int(path.stem) + 100)
    for path in (tmp_path / "pets" / "train").rglob("*.jpg"):
        picture(path, (30, 24), seed=2000 + hash(path.parent.name) % 1000 + int(path.stem))
    shutil.copy(tmp_path / "pets" / "train" / "cat" / "0.jpg", tmp_path / "pets" / "test" / "dog" / "1.jpg")
    said = loocbench("datasets", "verify", "folder:pets")
    assert said.code == 0
    assert "1 images are in more than one split" in said.out
    assert "test/dog/1.jpg" in said.out


@pytest.mark.parametrize("name", ["cub200", "folder:pets", "blooms"])
def test_show_draws_a_contact_sheet(loocbench, tmp_path, name):
    make_cub(tmp_path / "data")
    layouts.make_folder(tmp_path / "data" / "pets")
    said = loocbench("datasets", "show", name, "--data-dir", tmp_path / "data", "--output", tmp_path / "sheet.png")
    assert said.code == 0
    assert f"contact sheet: {tmp_path / 'sheet.png'}" in said.out
    assert Image.open(tmp_path / "sheet.png").size[0] > 800
    summary = json.loads(loocbench("datasets", "show", name, "--data-dir", tmp_path / "data", "--json").out)
    assert summary["splits"].keys() == {"train", "val", "test"}
