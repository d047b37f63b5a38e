"""Prepared images: what is read from the file is what decoding gives, a batch at a time."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torchvision.transforms.functional import center_crop, to_pil_image

from loocbench.data import catalog, prepared
from loocbench.errors import UserError
from tests.conftest import make_cub, picture
from tests.data.preparation import Listening, leftovers, prepare


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


def test_any_tool_can_read_the_file(tmp_path, pets):
    images = prepare(pets, "test", 24, tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "images").glob("*.safetensors")
    with safe_open(path, "np") as file:
        index, pixels = file.get_tensor("index"), file.get_tensor("pixels")
    assert index.shape == (len(images), 3)
    for row, (offset, height, width) in enumerate(index):
        assert np.array_equal(pixels[offset : offset + height * width * 3], images.image(row).ravel())


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
    """Ten times the images, within 10 %: preparing and reading every batch, the store being 25 and 252 MB."""
    peaks = {}
    source = picture(tmp_path / "one.jpg", (512, 128))
    for count in (128, 1280):
        root = tmp_path / str(count)
        for number in range(count):
            copy = root / "pets" / ("cat", "dog")[number % 2] / f"{number}.jpg"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.hardlink_to(source)
        done = subprocess.run([sys.executable, "-c", PEAK, str(root)], capture_output=True, text=True, check=True)
        peaks[count] = int(done.stdout)
    assert peaks[1280] < 1.1 * peaks[128], peaks
