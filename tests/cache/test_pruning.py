"""The cache: what it holds is named, what is in use or being made stays, the rest goes by age and size."""

import errno
import gc
import os
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from loocbench.cache import locks, pruning
from loocbench.checkpoints import untrained
from loocbench.data import preparing
from loocbench.errors import UserError
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from tests.conftest import Silent


def fill(dataset, cache, *splits):
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16))
    return [
        extraction.extract(encoder, dataset, dataset.splits[split], cache=cache, reporter=Silent()) for split in splits
    ]


def age(cache, days):
    """As if nothing had been used for so many days."""
    for path in cache.rglob("*"):
        os.utime(path, (time.time() - days * 86400,) * 2)


def pruned(cache, **options):
    gc.collect()
    return [entry for entry in pruning.choose(pruning.find(cache), **options) if pruning.remove(entry)]


def test_entries_say_what_they_are(tiny_blooms, tmp_path):
    features = fill(tiny_blooms, tmp_path, "test")
    entries = {entry.kind: entry for entry in pruning.find(tmp_path)}
    assert entries["images"].described == "blooms test, 18 px"
    assert entries["features"].described.startswith("blooms test, random-resnet8")
    assert entries["features"].about["images"] == 64
    assert entries["features"].about["spaces"]["general"] == 64
    assert "float32" in entries["features"].about["numerics"]
    assert entries["features"].size >= 2 * 64 * 64 * 4  # two spaces of 64 float32 for each of 64 images
    assert len(features[0]["general"]) == 64


def test_features_of_some_images_say_so(tiny_blooms, tmp_path):
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16))
    options = {"rows": np.array([5, 3]), "cache": tmp_path, "reporter": Silent()}
    extraction.extract(encoder, tiny_blooms, tiny_blooms.splits["test"], **options)
    (entry,) = (entry for entry in pruning.find(tmp_path) if entry.kind == "features")
    assert entry.described.startswith("blooms test, 2 images of it, random-resnet8")
    assert entry.about["rows"] == [5, 3]


def test_without_locks_on_the_file_system_nothing_counts_as_in_use(tiny_blooms, tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    features = fill(tiny_blooms, tmp_path, "test")

    def unsupported(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "fcntl", SimpleNamespace(flock=unsupported, LOCK_EX=2, LOCK_SH=1, LOCK_NB=4))
    assert {entry.state for entry in pruning.find(tmp_path)} == {"whole"}
    assert len(pruned(tmp_path, max_size=0)) == 2
    assert len(np.array(features[0]["general"])) == 64  # what is mapped stays readable


def test_a_reader_waits_for_whoever_looks_at_the_file_alone(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "file"
    path.write_bytes(b"1")
    alone = locks.take(path)
    assert alone is not None
    threading.Timer(0.2, alone.close).start()
    held = locks.hold(path)
    assert held is not None
    assert locks.take(path) is None
    held.close()
    assert locks.take(path) is not None


def test_what_is_in_use_stays_and_goes_when_it_no_longer_is(tiny_blooms, tmp_path):
    features = fill(tiny_blooms, tmp_path, "test")
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["test"], 18, cache=tmp_path, reporter=Silent())
    age(tmp_path, 100)
    assert {entry.state for entry in pruning.find(tmp_path)} == {"in use"}
    assert pruned(tmp_path, older_than=86400.0) == []
    kept = images.image(3).sum(), features[0]["general"].sum()
    del features
    assert [entry.kind for entry in pruned(tmp_path, older_than=86400.0)] == ["features"]
    del images
    assert [entry.kind for entry in pruned(tmp_path, older_than=86400.0)] == ["images"]
    assert pruning.find(tmp_path) == []
    again = fill(tiny_blooms, tmp_path, "test")  # nothing is lost but time
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["test"], 18, cache=tmp_path, reporter=Silent())
    assert (images.image(3).sum(), again[0]["general"].sum()) == kept


def test_a_use_makes_young_again(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "test", "val")
    age(tmp_path, 100)
    fill(tiny_blooms, tmp_path, "test")
    gone = pruned(tmp_path, older_than=86400.0)
    assert {(entry.kind, entry.about["split"]) for entry in gone} == {
        ("features", "val"),
        ("images", "val"),
        ("images", "test"),  # found features need no images
    }


def test_the_bound_takes_what_was_not_used_for_longest(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "train", "val", "test")
    entries = pruning.find(tmp_path)
    for number, entry in enumerate(entries):
        os.utime(entry.path, (1e9 + number, 1e9 + number))
    in_order = [entry.path for entry in entries]
    left = sum(entry.size for entry in entries) - entries[0].size - 1
    assert [entry.path for entry in pruned(tmp_path, max_size=left)] == in_order[:2]
    assert sum(entry.size for entry in pruning.find(tmp_path)) <= left


def test_the_environment_bounds_the_cache(tiny_blooms, tmp_path, monkeypatch):
    fill(tiny_blooms, tmp_path, "train")
    age(tmp_path, 1)
    gc.collect()
    monkeypatch.setenv("LOOCBENCH_CACHE_SIZE", "1KB")
    found = fill(tiny_blooms, tmp_path, "val")  # held, so it stays although it alone is more
    assert [(entry.kind, entry.about["split"]) for entry in pruning.find(tmp_path)] == [("features", "val")]
    assert len(found[0]["general"]) == 48


def test_half_written_things_of_dead_processes_go_those_of_living_ones_stay(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "test")
    features, images = tmp_path / "features", tmp_path / "images"
    dead, alive = features / f".{'a' * 32}.part", features / f".{'b' * 32}.part"
    dead_images = images / f"blooms-test-64-{'c' * 16}.part"
    for path in (dead, alive, dead_images):
        path.write_bytes(b"half")
    dead_images.with_suffix(".progress").write_text("0")
    with FileLock(features / f".{'b' * 32}.lock"):
        assert sorted(entry.path for entry in pruned(tmp_path)) == sorted([dead, dead_images])
    assert alive.exists()
    assert not dead_images.with_suffix(".progress").exists()
    assert len([entry for entry in pruning.find(tmp_path) if entry.state == "whole"]) == 2
    assert {entry.path for entry in pruned(tmp_path)} == {alive}


def test_files_of_other_programs_are_never_looked_at(tmp_path):
    mine = "images/mine.safetensors", "images/holiday.jpg", "features/notes.txt", "features/mine.safetensors"
    for name in mine:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"mine")
    assert pruning.find(tmp_path) == []


def test_sizes_and_spans():
    assert pruning.size_of("1.5 GB", "--max-size") == 1_500_000_000
    assert pruning.size_of("500mb", "--max-size") == 500_000_000
    assert pruning.span_of("2w", "--older-than") == 14 * 86400
    for wrong in ("50", "lots", "-1GB", ""):
        with pytest.raises(UserError, match="write 500MB, 50GB or 2TB"):
            pruning.size_of(wrong, "--max-size")
    with pytest.raises(UserError, match="write 12h, 30d or 2w"):
        pruning.span_of("yesterday", "--older-than")
    assert [pruning.readable(size) for size in (12, 1_200, 3 * 10**9)] == ["12 B", "1.2 KB", "3.0 GB"]
