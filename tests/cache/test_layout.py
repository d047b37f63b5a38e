"""Names of the cache's files: given in one place, and recognised there again."""

import pytest

from loocbench import files
from loocbench.cache import layout

KEY = "0123456789abcdef" * 2


def test_every_file_of_an_entry_has_its_key(tmp_path):
    for kind in layout.FOLDERS:
        entry = layout.entry_path(tmp_path, kind, KEY + "ffff")
        assert entry.parent == layout.folder_path(tmp_path, kind)
        for path in (entry, layout.part_path(entry), layout.progress_path(entry), layout.lock_path(entry)):
            assert layout.key_of(path.name) == KEY
            with files.writing(path) as temporary:
                assert layout.key_of(temporary.name) == KEY


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (f".{KEY}.part", f".{KEY}"),  # features, up to version 0.1
        (f".{KEY}.lock", f".{KEY}"),
        ("folder-pets.new-train-24-0123456789abcdef.safetensors", "folder-pets.new-train-24-0123456789abcdef"),
        ("cub200-test-256-0123456789abcdef.lock", "cub200-test-256-0123456789abcdef"),
    ],
)
def test_names_of_older_versions_are_recognised(name, key):
    assert layout.key_of(name) == key


@pytest.mark.parametrize("name", ["mine.safetensors", "holiday.jpg", "notes.txt", KEY, f"{KEY}.jpg", "a-b-c.part", ""])
def test_names_of_other_programs_are_not(name):
    assert layout.key_of(name) is None


def test_the_default_is_the_users_cache_folder(tmp_path):
    assert layout.cache_dir() == tmp_path / "cache" / "loocbench"
