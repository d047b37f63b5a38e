"""The decode-once store: what is read from it is what decoding gives, whoever made it, however often it was cut off."""

import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torchvision.transforms.functional import center_crop, to_pil_image

from loocbench.data import blooms, catalog, folders, prepared, preparing
from loocbench.errors import UserError
from tests.conftest import Silent, make_cub, picture


class Listening(Silent):
    """Keeps what it hears."""

    def __init__(self):
        self.said, self.stages = [], []

    def info(self, message):
        """A line."""
        self.said.append(message)

    def update(self, stage, done, total, detail=""):
        """Progress."""
        self.stages.append((stage, done, total))


@pytest.fixture
def pets(tmp_path):
    """150 pictures of several sizes: more than two chunks."""
    for number in range(150):
        picture(tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number:03d}.jpg", (40 + number % 7, 30), number)
    return catalog.open_dataset(f"folder:{tmp_path / 'pets'}")


def prepare(dataset, split, short_side, cache, reporter=None):
    return preparing.prepare(dataset, dataset.splits[split], short_side, cache=cache, reporter=reporter or Silent())


def leftovers(cache):
    return [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".safetensors"]


def test_images_are_what_decoding_gives_in_the_splits_order(tmp_path, pets):
    hears = Listening()
    split = pets.splits["train"]
    images = prepare(pets, "train", 24, tmp_path / "cache", hears)
    assert len(images) == len(split)
    for row, expected in enumerate(pets.read(split.items, 24)):
        assert np.array_equal(images.image(row), expected)
    batch = images.batch([2, 0, 5])
    for slot, row in enumerate((2, 0, 5)):
        height, width = batch.sizes[slot].tolist()
        assert np.array_equal(batch.pixels[slot, :, :height, :width].permute(1, 2, 0).numpy(), images.image(row))
        assert batch.pixels[slot, :, height:].sum() == batch.pixels[slot, :, :, width:].sum() == 0
    assert hears.stages[-1] == ("decode, train", len(split), len(split))
    assert not leftovers(tmp_path / "cache")


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
    monkeypatch.setattr(folders, "count_cores", lambda: count)
    prepare(pets, "train", 24, tmp_path / "cache")
    (path,) = (tmp_path / "cache").rglob("*.safetensors")
    everything = b"".join(image.tobytes() for image in pets.read(pets.splits["train"].items, 24))
    assert path.read_bytes().endswith(everything)


def test_any_tool_can_read_the_file(tmp_path, pets):
    images = prepare(pets, "test", 24, tmp_path / "cache")
    (path,) = (tmp_path / "cache").rglob("*.safetensors")
    with safe_open(path, "np") as file:
        index, pixels = file.get_tensor("index"), file.get_tensor("pixels")
    assert index.shape == (len(images), 3)
    for row, (offset, height, width) in enumerate(index):
        assert np.array_equal(pixels[offset : offset + height * width * 3], images.image(row).ravel())


def test_a_rendered_data_set_is_prepared_like_files(tmp_path):
    dataset = blooms.make_blooms({"train": 70, "test": 3})
    images = prepare(dataset, "train", 20, tmp_path)
    expected = dataset.read(dataset.splits["train"].items, 20)
    assert all(np.array_equal(images.image(row), expected[row]) for row in range(70))


def test_a_changed_file_is_decoded_anew(tmp_path, pets):
    before = prepare(pets, "test", 24, tmp_path / "cache").image(0).copy()
    picture(tmp_path / "pets" / pets.splits["test"].items[0], seed=999)
    assert not np.array_equal(prepare(pets, "test", 24, tmp_path / "cache").image(0), before)


@pytest.mark.parametrize("hold", ["memory", "device"])
def test_held_images_give_the_same_batches(tmp_path, pets, hold):
    images = prepare(pets, "train", 24, tmp_path / "cache")
    expected = images.batch([3, 1, 4])
    held = images.in_memory() if hold == "memory" else images.on_device(torch.device("cpu"))
    got = held.batch([3, 1, 4])
    assert torch.equal(got.pixels, expected.pixels)
    assert torch.equal(got.sizes, expected.sizes)


def test_images_that_do_not_fit_into_memory_are_refused(tmp_path, pets, monkeypatch):
    images = prepare(pets, "train", 24, tmp_path / "cache")
    monkeypatch.setattr(prepared, "free_memory", lambda: 1000)
    with pytest.raises(UserError, match="leave out --in-memory"):
        images.in_memory()


def test_center_crops_are_torchvisions(tmp_path):
    dataset = catalog.open_dataset("cub200", make_cub(tmp_path))
    images = prepare(dataset, "test", 23, tmp_path)
    crops = images.center_crops(range(12), 18)
    for row in range(12):
        expected = np.asarray(center_crop(to_pil_image(images.image(row).copy()), 18))
        assert np.array_equal(crops[row].permute(1, 2, 0).numpy(), expected)


def test_a_damaged_image_leaves_nothing_behind(tmp_path, pets):
    victim = tmp_path / "pets" / pets.splits["train"].items[70]
    victim.write_bytes(victim.read_bytes()[:600])
    with pytest.raises(UserError, match=f"{victim.name} is damaged"):
        prepare(pets, "train", 24, tmp_path / "cache")
    assert not leftovers(tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


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
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
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
    (path,) = (tmp_path / "cache").rglob("*.safetensors")
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
import sys, time
from pathlib import Path
from loocbench.data import catalog, preparing
preparing._CHUNK, preparing._GROUP = 4, 8
class Slow:
    def info(self, message): print(message, flush=True)
    def update(self, stage, done, total, detail=""):
        if stage.startswith("decode"): time.sleep(0.05)
dataset = catalog.open_dataset("folder:pets", Path(sys.argv[1]))
preparing.prepare(dataset, dataset.splits["train"], 24, cache=Path(sys.argv[1]) / "cache", reporter=Slow())
"""


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path, pets):
    expected = b"".join(image.tobytes() for image in pets.read(pets.splits["train"].items, 24))
    for wait in (0.2, 0.5):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert b"preparing" in process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not list((tmp_path / "cache").rglob("*.safetensors"))
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "going on at image" in done.stdout
    (path,) = (tmp_path / "cache").rglob("*.safetensors")
    assert path.read_bytes().endswith(expected)


PEAK = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from loocbench.data import catalog, preparing
class Silent:
    def info(self, message): pass
    def update(self, *counts): pass
torch.set_num_threads(1)
dataset = catalog.open_dataset("folder:pets", Path(sys.argv[1]))
for name, split in dataset.splits.items():
    images = preparing.prepare(dataset, split, 128, cache=Path(sys.argv[1]) / "cache", reporter=Silent())
    for begin in range(0, len(images), 64):
        rows = np.arange(begin, min(begin + 64, len(images)))
        images.batch(rows), images.center_crops(rows, 112).float()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_the_data_set(tmp_path):
    """Ten times the images, within 10 %: preparing and reading every batch, the store being 26 and 265 MB."""
    peaks = {}
    source = picture(tmp_path / "one.jpg", (160, 128))
    for count in (400, 4000):
        root = tmp_path / str(count)
        for number in range(count):
            copy = root / "pets" / ("cat", "dog")[number % 2] / f"{number}.jpg"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.hardlink_to(source)
        done = subprocess.run([sys.executable, "-c", PEAK, str(root)], capture_output=True, text=True, check=True)
        peaks[count] = int(done.stdout)
    assert peaks[4000] < 1.1 * peaks[400], peaks
