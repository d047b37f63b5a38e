"""The inventory of the cache: everything that was ever written there is found, and says what it is."""

import os
from pathlib import Path

import numpy as np
import pytest

from loocbench.cache import layout, locks
from loocbench.cache.entries import find_entries, remove_entry
from loocbench.checkpoints import untrained
from loocbench.data import damage, preparing
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.progress import Silent

KEYS = [character * layout.KEY_LENGTH for character in "abcdef"]


def extract(dataset, cache, **options):
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16))
    return extraction.extract(encoder, dataset, dataset.splits["test"], cache=cache, reporter=Silent(), **options)


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_each_kind_says_what_it_is(tiny_blooms, tmp_path):
    features = extract(tiny_blooms, tmp_path)
    damage.without_damaged(tiny_blooms, cache=tmp_path, reporter=Silent())
    found = find_entries(tmp_path)
    assert sorted(entry.title for entry in found if entry.kind == "damage") == [
        f"blooms {split}, 0 damaged images" for split in ("test", "train", "val")
    ]
    entries = {entry.kind: entry for entry in found if entry.description["split"] == "test"}
    assert {kind: entry.description["kind"] for kind, entry in entries.items()} == {
        "images": "images",
        "features": "features",
        "damage": "damage",
    }
    assert entries["images"].title == "blooms test, 18 px"
    assert entries["features"].title.startswith("blooms test, random-resnet8")
    assert entries["features"].description["images"] == 64
    assert entries["features"].description["spaces"]["general"] == 64
    assert "float32" in entries["features"].description["numerics"]
    assert entries["features"].size >= 2 * 64 * 64 * 4  # two spaces of 64 float32 for each of 64 images
    assert len(features["general"]) == 64


def test_features_of_some_images_say_so(tiny_blooms, tmp_path):
    extract(tiny_blooms, tmp_path, rows=np.array([5, 3]))
    (entry,) = (entry for entry in find_entries(tmp_path) if entry.kind == "features")
    assert entry.title.startswith("blooms test, 2 of its images, random-resnet8")
    assert entry.description["rows"] == [5, 3]


def test_every_file_that_work_leaves_is_listed(tiny_blooms, tmp_path):
    extract(tiny_blooms, tmp_path)
    damage.without_damaged(tiny_blooms, cache=tmp_path, reporter=Silent())
    assert {path for entry in find_entries(tmp_path) for path in entry.paths} == set(files_below(tmp_path))
    assert not list(tmp_path.rglob("*.lock"))


@pytest.mark.parametrize("kind", layout.FOLDERS)
def test_everything_that_a_killed_writer_leaves_is_found_and_removed(tmp_path, kind):
    entry = layout.entry_path(tmp_path, kind, KEYS[0])
    progress = layout.progress_path(entry)
    left = [touch(layout.part_path(entry)), touch(progress), touch(layout.lock_path(entry))]
    left += [touch(path.with_name(f".{path.name}.abcd1234.part")) for path in (entry, progress)]  # of files.writing
    (found,) = find_entries(tmp_path)
    assert (found.kind, found.state) == (kind, "half-written")
    assert found.path == layout.part_path(entry)
    assert set(found.paths) == set(left)
    assert remove_entry(found)
    assert not files_below(tmp_path)


def test_a_lock_that_is_left_alone_is_left_over(tmp_path):
    lock = touch(layout.lock_path(layout.entry_path(tmp_path, "features", KEYS[0])), b"")
    (found,) = find_entries(tmp_path)
    assert (found.state, found.size, found.paths) == ("left over", 0, (lock,))
    assert remove_entry(found)
    assert not lock.exists()


def test_what_lies_beside_a_whole_entry_goes_without_it(tiny_blooms, tmp_path):
    extract(tiny_blooms, tmp_path)
    (images,) = layout.folder_path(tmp_path, "images").iterdir()
    progress = touch(layout.progress_path(images))
    (found,) = (entry for entry in find_entries(tmp_path) if entry.state == "left over")
    assert remove_entry(found)
    assert not progress.exists()
    assert images.exists()


def test_what_a_living_process_makes_is_in_use(tmp_path):
    entry = layout.entry_path(tmp_path, "features", KEYS[0])
    part = touch(layout.part_path(entry))
    with locks.locked(layout.lock_path(entry), "computes features", Silent()):
        (found,) = find_entries(tmp_path)
        assert found.state == "in use"
        assert not remove_entry(found)
    assert part.exists()
    (found,) = find_entries(tmp_path)
    assert found.state == "half-written"


def test_an_interrupted_preparation_says_what_it_is(tiny_blooms, tmp_path):
    class Stops(Silent):
        def update(self, stage, done, total, detail=""):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preparing.prepare(tiny_blooms, tiny_blooms.splits["test"], 64, cache=tmp_path, reporter=Stops())
    (found,) = find_entries(tmp_path)
    assert (found.state, found.title) == ("half-written", "blooms test, 64 px")


def test_files_of_older_versions_are_of_unknown_content(tmp_path):
    old = [
        touch(tmp_path / "images" / "cub200-test-256-0123456789abcdef.safetensors"),
        touch(tmp_path / "features" / f"{KEYS[0]}.safetensors"),
        touch(tmp_path / "damaged" / f"{KEYS[1]}.json", b"[]"),
    ]
    found = find_entries(tmp_path)
    assert {entry.path for entry in found} == set(old)
    assert {(entry.state, entry.title) for entry in found} == {("whole", "unknown content")}
    assert all(remove_entry(entry) for entry in found)
    assert not files_below(tmp_path)


def test_files_of_other_programs_are_never_touched(tmp_path):
    for name in ("images/mine.safetensors", "images/holiday.jpg", "features/notes.txt", "damaged/mine.json", "a.lock"):
        touch(tmp_path / name)
    touch(tmp_path / "data" / "flowers-102" / f"{KEYS[0]}.safetensors")
    touch(tmp_path / "confirmed-code.txt")
    assert find_entries(tmp_path) == []


def test_a_benchmarks_folder_is_in_use_as_long_as_it_runs(tmp_path):
    folder = tmp_path / f"{layout.SCRATCH_PREFIX}1234"
    touch(folder / "images" / "a.safetensors", b"12345")
    with locks.locked(layout.scratch_lock_path(folder), "measures", Silent()):
        (found,) = find_entries(tmp_path)
        assert (found.kind, found.state, found.size) == ("scratch", "in use", 5)
        assert not remove_entry(found)
    touch(layout.scratch_lock_path(folder), b"")  # as of a killed process
    (found,) = find_entries(tmp_path)
    assert (found.state, found.title) == ("half-written", "scratch folder of a benchmark")
    assert remove_entry(found)
    assert not list(tmp_path.iterdir())


def test_the_one_used_last_comes_first(tmp_path):
    for age, key in enumerate(KEYS[:3]):
        os.utime(touch(tmp_path / "features" / f"{key}.safetensors"), (1e9 - age, 1e9 - age))
    assert [entry.path.stem for entry in find_entries(tmp_path)] == KEYS[:3]


def test_an_entry_that_vanishes_while_we_look_is_left_out(tmp_path, monkeypatch):
    touch(tmp_path / "features" / f"{KEYS[0]}.safetensors")
    real = Path.stat

    def vanished(self, **options):
        if self.suffix == ".safetensors":
            raise FileNotFoundError(2, "gone")
        return real(self, **options)

    monkeypatch.setattr(Path, "stat", vanished)
    assert find_entries(tmp_path) == []
