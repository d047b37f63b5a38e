"""Listing the image files of a folder. Reading them is specified by the tests of the readers and of decoding.

``loocbench.data.folders``.
"""

import os

import pytest

from loocbench.data import catalog, folders
from loocbench.errors import UserError
from tests.data import layouts


def test_links_are_followed_once_and_broken_ones_left_out(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "pets" / "cat" / "again").symlink_to(tmp_path / "pets", target_is_directory=True)
    (tmp_path / "pets" / "cat" / "linked.jpg").symlink_to(tmp_path / "pets" / "cat" / "0.jpg")
    assert sum(layouts.count_items(catalog.open_dataset("folder:pets", tmp_path)).values()) == 21


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    """Its images were left out without a word: a class fewer."""
    layouts.make_folder(tmp_path / "pets")
    real = os.scandir

    def scan(path):
        if os.fspath(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(UserError, match=r"cannot read .*dog: permission denied; make it readable"):
        folders.scan_folder(tmp_path / "pets")


def test_hidden_folders_are_counted(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "dog").rename(tmp_path / "pets" / ".dog")
    assert folders.scan_folder(tmp_path / "pets").left_out == {"hidden": 1}
    assert folders.list_images(tmp_path / "nowhere") == []
