"""Rows of images that changed, or that are another folder's, are not taken for those of these images."""

import json
from pathlib import Path

import pytest

from loocbench.data import folders
from loocbench.data.digests import hash_sizes
from loocbench.evaluators.knn import Knn
from tests.cli.conftest import Said
from tests.conftest import picture
from tests.data import layouts
from tests.data.test_digests import replace_alike
from tests.records.rows import dump_fields

KNN = ("knn", "--checkpoint", "random:resnet8", "--dataset")


def stored(root=Path("results")):
    """The rows by path."""
    return {path: json.loads(path.read_text()) for path in sorted(root.rglob("*.json"))}


def test_a_row_of_files_that_were_replaced_is_refused_though_they_look_alike(loocbench, one_line, tmp_path):
    root = layouts.make_folder(tmp_path / "pets")
    assert loocbench(*KNN, "folder:pets").code == 0
    ((path, row),) = stored().items()
    before = replace_alike(root / "cat" / "3.jpg")
    assert f"{path} was measured on other images of folder:pets; --overwrite it" in one_line(*KNN, "folder:pets")
    assert loocbench(*KNN, "folder:pets", "--overwrite").code == 0
    assert stored()[path]["edition"] != row["edition"]
    assert stored()[path]["fingerprints"] == row["fingerprints"]
    (root / "cat" / "3.jpg").write_bytes(before)
    assert loocbench(*KNN, "folder:pets", "--overwrite").code == 0
    assert stored()[path]["edition"] == row["edition"]


def test_a_row_that_knows_names_and_sizes_alone_is_still_kept(loocbench, one_line, tmp_path):
    """As older versions wrote it; with other sizes it is of other images."""
    root = layouts.make_folder(tmp_path / "pets")
    assert loocbench(*KNN, "folder:pets").code == 0
    ((path, row),) = stored().items()
    former = {**row, "edition": hash_sizes(root, folders.list_images(root))}
    path.write_text(dump_fields(former))
    assert "measured before, kept" in loocbench(*KNN, "folder:pets").err
    assert json.loads(loocbench("report", "--format", "json").out)
    path.write_text(dump_fields({**row, "edition": "0" * 64}))
    assert "was measured on other images" in one_line(*KNN, "folder:pets")


def test_images_that_change_while_they_are_measured_give_no_row(one_line, tmp_path, monkeypatch):
    root, real = layouts.make_folder(tmp_path / "pets"), Knn.evaluate

    def evaluate(*arguments):
        outcome = real(*arguments)
        replace_alike(root / "cat" / "3.jpg")
        return outcome

    monkeypatch.setattr(Knn, "evaluate", evaluate)
    assert "images of folder:pets changed while they were measured" in one_line(*KNN, "folder:pets")
    assert not stored()


def test_folders_that_differ_in_other_letters_alone_have_rows_of_their_own(loocbench, tmp_path):
    for number, name in enumerate(("日本", "中国")):
        for position in range(16):
            picture(tmp_path / name / "ab"[position % 2] / f"{position}.jpg", seed=100 * number + position)
        assert loocbench(*KNN, f"folder:{name}").code == 0
    rows = stored()
    assert len({row["task"] for row in rows.values()}) == 2
    assert len(rows) == 2


def test_a_row_under_the_name_that_such_a_folder_had_is_found(loocbench, tmp_path):
    for position in range(16):
        picture(tmp_path / "日本" / "ab"[position % 2] / f"{position}.jpg", seed=position)
    assert loocbench(*KNN, "folder:日本").code == 0
    ((path, row),) = stored().items()
    former = path.with_name("knn-folder-_.v2.general.s0.json".replace("general", row["features"]))
    former.write_text(dump_fields({**row, "task": "knn/folder-_"}))
    path.unlink()
    assert f"measured before, kept: {former}" in loocbench(*KNN, "folder:日本").err
    former.write_text(dump_fields({**row, "task": "knn/folder-_", "edition": "0" * 64}))  # another folder's
    assert loocbench(*KNN, "folder:日本").code == 0
    assert stored().keys() == {path, former}


def test_what_is_left_out_and_which_images_play_which_part_is_told(loocbench, tmp_path):
    for split in ("train", "val"):
        layouts.make_folder(tmp_path / "pets", above=split)
    (tmp_path / "pets" / "train" / "cat" / "a.heic").write_bytes(b"x")
    remarks = [
        "left out of pets, since they are not images that can be read: 1 .heic",
        "pets names train and val, not test: a fifth of each class of train is test",
    ]
    for command in (KNN[:-1], ("datasets", "verify"), ("datasets", "show")):
        said: Said = loocbench(*command, *(["--dataset"] if command == KNN[:-1] else []), "folder:pets")
        assert said.code == 0
        assert all(remark in " ".join(said.err.split()) for remark in remarks)
    assert json.loads(loocbench("datasets", "verify", "folder:pets", "--json").out)["remarks"] == remarks


@pytest.mark.parametrize("command", [(*KNN,), ("datasets", "verify"), ("pretrain", "--dataset")])
def test_an_empty_test_folder_is_refused(one_line, tmp_path, command):
    layouts.make_folder(tmp_path / "pets", above="train")
    (tmp_path / "pets" / "test" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "test" / "cat" / "0.heic").write_bytes(b"x")
    assert "pets/test names a split and holds no images that can be read (left out: 1 .heic)" in one_line(
        *command, "folder:pets"
    )
