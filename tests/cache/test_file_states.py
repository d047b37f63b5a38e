import os
from pathlib import Path

import pytest

from loocbench.cache import file_states
from loocbench.cache.file_states import FOLDER, MISSING, UNKNOWN, hash_file, hash_tree


@pytest.fixture(autouse=True)
def _any_age(monkeypatch):
    monkeypatch.setattr(file_states, "_SETTLED", -60.0)


@pytest.fixture
def folder(tmp_path):
    """Two files, one of them in a folder of its own."""
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "a.jpg").write_bytes(b"aaaa")
    (tmp_path / "data" / "inner" / "b.txt").write_bytes(b"bbbb")
    return tmp_path / "data"


def keep_times(path: Path, content: bytes) -> None:
    """Write to a file in place, and set its time of modification back."""
    state = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def add_folder(folder: Path) -> None:
    (folder / "new").mkdir()


CHANGES = {
    "another content of the same size and time": lambda folder: keep_times(folder / "inner" / "b.txt", b"cccc"),
    "another size": lambda folder: (folder / "a.jpg").write_bytes(b"a"),
    "a file more": lambda folder: (folder / "inner" / "c.txt").touch(),
    "a file less": lambda folder: (folder / "a.jpg").unlink(),
    "a renamed file": lambda folder: (folder / "a.jpg").rename(folder / "z.jpg"),
    "an empty folder more": add_folder,
    "a copy in its place": lambda folder: (
        (folder / "copy").write_bytes(b"aaaa") and (folder / "copy").replace(folder / "a.jpg")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_has_another_state_after_every_change(folder, change):
    before = hash_tree(folder)
    assert hash_tree(folder) == before
    CHANGES[change](folder)
    assert hash_tree(folder) != before


def test_only_files_of_the_named_kinds_count(folder):
    before = hash_tree(folder, suffixes=(".jpg",))
    (folder / "inner" / "b.txt").write_bytes(b"other")
    assert hash_tree(folder, suffixes=(".jpg",)) == before
    (folder / "a.jpg").write_bytes(b"other")
    assert hash_tree(folder, suffixes=(".jpg",)) != before


def test_links_are_followed_and_circles_end(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c.jpg").write_bytes(b"c")
    (folder / "link").symlink_to(outside)
    (folder / "circle").symlink_to(folder)
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    before = hash_tree(folder)
    (outside / "c.jpg").write_bytes(b"dd")
    assert hash_tree(folder) != before


def test_what_changed_a_moment_ago_has_no_known_state(folder, monkeypatch):
    """A change within the resolution of the file system's clock would not be seen."""
    monkeypatch.setattr(file_states, "_SETTLED", 60.0)
    assert hash_tree(folder) == UNKNOWN
    assert hash_tree(folder, settled=False) != UNKNOWN


def test_a_file_is_known_by_its_bytes(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"1234")
    before = hash_file(file)
    assert hash_file(file) == before
    keep_times(file, b"1235")
    assert hash_file(file).split()[0] != before.split()[0]


def test_what_is_no_file_is_told_apart(tmp_path):
    assert hash_file(tmp_path / "nothing") == MISSING == hash_tree(tmp_path / "nothing")
    assert hash_file(tmp_path) == FOLDER
    (tmp_path / "file").touch()
    assert hash_tree(tmp_path / "file") == UNKNOWN
