"""Pruning: what is in use or being made stays, the rest goes by age and size, and no lock file stays behind."""

import errno
import gc
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from loocbench.cache import locks, pruning
from loocbench.cache.entries import find_entries, remove_entry
from loocbench.checkpoints import untrained
from loocbench.data import preparing
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
    return [entry for entry in pruning.choose_entries(find_entries(cache), **options) if remove_entry(entry)]


def test_without_locks_on_the_file_system_nothing_counts_as_in_use(tiny_blooms, tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    features = fill(tiny_blooms, tmp_path, "test")

    def unsupported(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "fcntl", SimpleNamespace(flock=unsupported, LOCK_EX=2, LOCK_SH=1, LOCK_NB=4))
    assert {entry.state for entry in find_entries(tmp_path)} == {"whole"}
    assert len(pruned(tmp_path, max_size=0)) == 2
    assert len(np.array(features[0]["general"])) == 64  # what is mapped stays readable


def test_what_is_in_use_stays_and_goes_when_it_no_longer_is(tiny_blooms, tmp_path):
    features = fill(tiny_blooms, tmp_path, "test")
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["test"], 18, cache=tmp_path, reporter=Silent())
    age(tmp_path, 100)
    assert {entry.state for entry in find_entries(tmp_path)} == {"in use"}
    assert pruned(tmp_path, older_than=86400.0) == []
    kept = images.image(3).sum(), features[0]["general"].sum()
    del features
    assert [entry.kind for entry in pruned(tmp_path, older_than=86400.0)] == ["features"]
    del images
    assert [entry.kind for entry in pruned(tmp_path, older_than=86400.0)] == ["images"]
    assert find_entries(tmp_path) == []
    again = fill(tiny_blooms, tmp_path, "test")  # nothing is lost but time
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["test"], 18, cache=tmp_path, reporter=Silent())
    assert (images.image(3).sum(), again[0]["general"].sum()) == kept


def test_a_use_makes_young_again(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "test", "val")
    age(tmp_path, 100)
    fill(tiny_blooms, tmp_path, "test")
    gone = pruned(tmp_path, older_than=86400.0)
    assert {(entry.kind, entry.description["split"]) for entry in gone} == {
        ("features", "val"),
        ("images", "val"),
        ("images", "test"),  # found features need no images
    }


def test_the_bound_takes_what_was_not_used_for_longest(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "train", "val", "test")
    entries = find_entries(tmp_path)
    for number, entry in enumerate(entries):
        os.utime(entry.path, (1e9 + number, 1e9 + number))
    in_order = [entry.path for entry in entries]
    left = sum(entry.size for entry in entries) - entries[0].size - 1
    assert [entry.path for entry in pruned(tmp_path, max_size=left)] == in_order[:2]
    assert sum(entry.size for entry in find_entries(tmp_path)) <= left


def test_the_environment_bounds_the_cache(tiny_blooms, tmp_path, monkeypatch):
    fill(tiny_blooms, tmp_path, "train")
    age(tmp_path, 1)
    gc.collect()
    monkeypatch.setenv("LOOCBENCH_CACHE_SIZE", "1KB")
    found = fill(tiny_blooms, tmp_path, "val")  # held, so it stays although it alone is more
    assert [(entry.kind, entry.description["split"]) for entry in find_entries(tmp_path)] == [("features", "val")]
    assert len(found[0]["general"]) == 48


def test_half_written_things_of_dead_processes_go_those_of_living_ones_stay(tiny_blooms, tmp_path):
    fill(tiny_blooms, tmp_path, "test")
    features, images = tmp_path / "features", tmp_path / "images"
    dead, alive = features / f".{'a' * 32}.part", features / f".{'b' * 32}.part"
    dead_images = images / f"blooms-test-64-{'c' * 16}.part"
    for path in (dead, alive, dead_images):
        path.write_bytes(b"half")
    dead_images.with_suffix(".progress").write_text("0")
    with locks.locked(features / f".{'b' * 32}.lock", "computes features", Silent()):
        assert sorted(entry.path for entry in pruned(tmp_path)) == sorted([dead, dead_images])
    assert alive.exists()
    assert not dead_images.with_suffix(".progress").exists()
    assert len([entry for entry in find_entries(tmp_path) if entry.state == "whole"]) == 2
    assert {entry.path for entry in pruned(tmp_path)} == {alive}
