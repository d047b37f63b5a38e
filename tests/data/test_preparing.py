"""Preparing images: the file is the same whoever makes it, however often it was interrupted.

Covers ``loocbench.data.decoded_groups``.
"""

import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from loocbench.cache import descriptions
from loocbench.data import blooms, parallel, pixels, preparing
from loocbench.errors import UserError
from loocbench.types import Split
from tests.conftest import Silent, picture
from tests.data.preparation import Listening, leftovers, prepare
from tests.features.extracting import clearing


def test_its_size_is_announced_before_it_is_made(tmp_path, pets):
    hears = Listening()
    images = prepare(pets, "train", 24, tmp_path / "cache", hears)
    (line,) = hears.said
    assert line.startswith("preparing folder:pets, train: 96 images at 24 px, ")
    assert f"{images.nbytes / 1e3:.1f} KB in {tmp_path / 'cache'}" in line
    prepare(pets, "train", 24, tmp_path / "cache", hears)
    assert len(hears.said) == 1  # the second time there is nothing to make


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_file_does_not_depend_on_the_number_of_workers(tmp_path, pets, monkeypatch, count):
    monkeypatch.setattr(parallel, "count_cores", lambda: count)
    prepare(pets, "train", 24, tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "images").glob("*.safetensors")
    everything = b"".join(image.tobytes() for image in pets.read(pets.splits["train"].items, 24))
    assert path.read_bytes().endswith(everything)


def test_a_rendered_data_set_is_prepared_like_files(tmp_path):
    dataset = blooms.make_blooms({"train": 70, "test": 3})
    images = prepare(dataset, "train", 20, tmp_path)
    expected = dataset.read(dataset.splits["train"].items, 20)
    assert all(np.array_equal(images.image(row), expected[row]) for row in range(70))


def test_bicubic_images_are_an_entry_of_their_own(tmp_path, pets):
    """The other one keeps its name and its content."""
    cache, split = tmp_path / "cache", pets.splits["test"]
    prepare(pets, "test", 16, cache)
    (plain,) = (cache / "images").glob("*.safetensors")
    before = plain.read_bytes()
    images = preparing.prepare(pets, split, 16, cache=cache, reporter=Silent(), interpolation="bicubic")
    for row, expected in enumerate(pets.read(split.items, 16, "bicubic")):
        assert np.array_equal(images.image(row), expected)
    assert plain.read_bytes() == before
    (other,) = {*(cache / "images").glob("*.safetensors")} - {plain}
    described = [descriptions.format_description(descriptions.read_description(path)) for path in (plain, other)]
    assert described == ["folder:pets test, 16 px", "folder:pets test, 16 px bicubic"]
    assert plain == preparing.prepared_path(pets, split, 16, cache, "bilinear")


def test_images_of_an_array_are_resized_bicubically_too():
    values = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3), dtype=np.uint8)
    split = Split("few", "test", ("few/000000", "few/000001"), {}, {})
    images = pixels.open_arrays("few", {"test": split}, {"few/": values})
    for found, image in zip(images.read(split.items, 15, "bicubic"), values, strict=True):
        assert np.array_equal(found, np.asarray(Image.fromarray(image).resize((15, 15), Image.Resampling.BICUBIC)))


def test_a_changed_file_is_decoded_anew(tmp_path, pets):
    before = prepare(pets, "test", 24, tmp_path / "cache").image(0).copy()
    picture(tmp_path / "pets" / pets.splits["test"].items[0], seed=999)
    assert not np.array_equal(prepare(pets, "test", 24, tmp_path / "cache").image(0), before)


def test_a_damaged_image_leaves_nothing_behind(tmp_path, pets):
    victim = tmp_path / "pets" / pets.splits["train"].items[70]
    victim.write_bytes(victim.read_bytes()[:600])
    with pytest.raises(UserError, match=f"{victim.name} is damaged"):
        prepare(pets, "train", 24, tmp_path / "cache")
    assert not leftovers(tmp_path / "cache")
    assert not list((tmp_path / "cache" / "images").glob("*.safetensors"))


def test_a_disk_without_room_is_refused_beforehand(tmp_path, pets, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"where 1\.0 KB are free"):
        prepare(pets, "train", 24, tmp_path / "cache")
    assert not leftovers(tmp_path / "cache")


def test_a_disk_that_fills_up_is_named_and_nothing_stays(tmp_path, monkeypatch):
    dataset = blooms.make_blooms({"train": 70})

    def full(job, images):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preparing, "_write_images", full)
    with pytest.raises(UserError, match="the disk is full"):
        prepare(dataset, "train", 20, tmp_path)
    assert not leftovers(tmp_path)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, pets, monkeypatch):
    monkeypatch.setattr(preparing, "_CHUNK", 8)
    monkeypatch.setattr(preparing, "_GROUP", 16)

    class Stops(Listening):
        def update(self, stage, done, total, detail=""):
            super().update(stage, done, total)
            if stage.startswith("decode") and done == 40:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(pets, "train", 24, tmp_path / "cache", Stops())
    assert not list((tmp_path / "cache" / "images").glob("*.safetensors"))
    hears = Listening()
    images = prepare(pets, "train", 24, tmp_path / "cache", hears)
    assert "going on at image 32" in hears.said[0]
    assert min(done for stage, done, _ in hears.stages if stage.startswith("decode")) == 40
    for row, expected in enumerate(pets.read(pets.splits["train"].items, 24)):
        assert np.array_equal(images.image(row), expected)
    assert not leftovers(tmp_path / "cache")


@pytest.mark.parametrize("spoil", [b"", b"garbage", b"\x00" * 5000])
def test_a_strange_part_is_begun_anew(tmp_path, pets, monkeypatch, spoil):
    """Even when the new beginning is cut off at once."""
    prepare(pets, "test", 24, tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "images").glob("*.safetensors")
    whole = path.read_bytes()
    path.unlink()
    path.with_suffix(".part").write_bytes(spoil)
    path.with_suffix(".progress").write_text("20")
    with monkeypatch.context() as patch:
        patch.setattr(Silent, "update", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(pets, "test", 24, tmp_path / "cache")
    prepare(pets, "test", 24, tmp_path / "cache")
    assert path.read_bytes() == whole


def _interrupt(reporter, stage, done, total, detail=""):
    if stage.startswith("decode"):
        raise KeyboardInterrupt


KILLED = """
import itertools, sys, time
from pathlib import Path
from loocbench.data import catalog, preparing
preparing._CHUNK, preparing._GROUP = 4, 8
reports = itertools.count(1)
class Stopping:  # at a report of decoding, to be killed there
    def info(self, message): print(message, flush=True)
    def update(self, stage, done, total, detail=""):
        if stage.startswith("decode") and next(reports) == int(sys.argv[2]):
            print("here", flush=True)
            time.sleep(600)
dataset = catalog.open_dataset("folder:pets", Path(sys.argv[1]))
preparing.prepare(dataset, dataset.splits["train"], 24, cache=Path(sys.argv[1]) / "cache", reporter=Stopping())
"""


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path, pets):
    expected = b"".join(image.tobytes() for image in pets.read(pets.splits["train"].items, 24))
    for stop in ("4", "7"):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), stop], stdout=subprocess.PIPE)
        assert process.stdout.readline().startswith(b"preparing")
        while process.stdout.readline() not in (b"here\n", b""):
            pass
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not list((tmp_path / "cache" / "images").glob("*.safetensors"))
    to_the_end = [sys.executable, "-c", KILLED, str(tmp_path), "0"]
    done = subprocess.run(to_the_end, capture_output=True, text=True, check=True)
    assert "going on at image" in done.stdout
    (path,) = (tmp_path / "cache" / "images").glob("*.safetensors")
    assert path.read_bytes().endswith(expected)


def test_images_that_are_cleared_away_before_they_are_opened_are_made_again(tiny_blooms, tmp_path, monkeypatch):
    opened, cleared = clearing(preparing.PreparedImages)
    monkeypatch.setattr(preparing, "PreparedImages", opened)
    split = tiny_blooms.splits["test"]
    assert len(preparing.prepare(tiny_blooms, split, 18, cache=tmp_path, reporter=Silent())) == 64
    assert len(cleared) == 1
