"""Listing the image files of a folder. Reading them is specified by the tests of the readers and of decoding.

``loocbench.data.folders``.
"""

from loocbench.data import catalog
from tests.data import layouts


def test_links_are_followed_once_and_broken_ones_left_out(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "pets" / "cat" / "again").symlink_to(tmp_path / "pets", target_is_directory=True)
    (tmp_path / "pets" / "cat" / "linked.jpg").symlink_to(tmp_path / "pets" / "cat" / "0.jpg")
    assert sum(layouts.count_items(catalog.open_dataset("folder:pets", tmp_path)).values()) == 21
