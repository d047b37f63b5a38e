"""What several tests share: where the photographs are, tiny data, tiny checkpoints."""

from __future__ import annotations

import os

# The tensors are tiny: more threads only wait for one another. Before numpy, torch and numba are imported, and for the
# processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from loocbench.data import blooms, folders
from loocbench.data.entries import ENTRIES
from loocbench.pretraining import recipes
from loocbench.runs.train import train_recipe
from loocbench.types import Dataset, Pixels, Split

torch.set_num_threads(1)
# Thousands of small files are synchronised with the disk, at milliseconds each: they lie in memory where it is plenty.
if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 8e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")
TINY = {"train": 96, "val": 48, "test": 64}


def pytest_collection_modifyitems(config, items):
    """In a process of pytest-xdist the slow tests come first, so that no core waits for one of them at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class Silent:
    """A reporter that shows nothing."""

    def update(self, stage, done, total, detail=""):
        """Nothing."""

    def info(self, message):
        """Nothing."""


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of real data sets, or a skip that says what to set."""
    # shared/data beside the checkout is found by itself
    folder = os.environ.get("LOOCBENCH_DATA") or str(Path(__file__).parents[2] / "shared" / "data")
    if not (Path(folder) / "flowers-102").is_dir():
        pytest.skip("no photographs: set LOOCBENCH_DATA to a folder with flowers-102/ and CUB_200_2011/")
    return Path(folder)


@pytest.fixture(scope="session")
def real_weights(photographs) -> Path:
    """The folder of real weights beside that of the data, or a skip."""
    folder = photographs.parent / "checkpoints"
    if not folder.is_dir():
        pytest.skip("no real weights: there is no checkpoints/ beside the data folder")
    return folder


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    """Every test works in a folder of its own, and never in the user's cache."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LOOCBENCH_") and name != "LOOCBENCH_ENGINES"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "config" / name)
    monkeypatch.delenv("COLUMNS", raising=False)  # of the terminal in which the tests run
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)


def rendered_once(dataset: Dataset) -> Dataset:
    """The same data set, each image of which is rendered at most once in each size and then remembered."""
    known: dict[tuple[str, int], Pixels] = {}

    def read(items, short_side, interpolation="bilinear"):  # what is rendered is not resized
        if new := [item for item in items if (item, short_side) not in known]:
            for item, image in zip(new, dataset.read(new, short_side), strict=True):
                image.setflags(write=False)  # a test that changed it would change it for all
                known[item, short_side] = image
        return [known[item, short_side] for item in items]

    return replace(dataset, read=read)


@pytest.fixture(scope="session")
def tiny_blooms() -> Dataset:
    """A few embedded flowers."""
    return rendered_once(blooms.make_blooms(TINY))


@pytest.fixture
def only_tiny_blooms(monkeypatch, tiny_blooms):
    """The command line's ``blooms`` is the tiny one."""
    monkeypatch.setitem(ENTRIES, "blooms", replace(ENTRIES["blooms"], generate=lambda: tiny_blooms))


def tiny_recipe(method: str = "looc++", **changes):
    """A recipe that trains in a moment."""
    defaults = {"backbone": "resnet8", "image_size": 16, "epochs": 1, "batch_size": 32, "learning_rate": 0.05}
    return recipes.make(method, **{**defaults, "queue_size": 64, "embedding_dim": 16, **changes})


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_blooms):
    """checkpoint file by method: each trained for one epoch on a few flowers."""
    folder = tmp_path_factory.mktemp("trained")
    files = {}
    for method in ("moco", "moco++", "looc", "looc++"):
        files[method] = train_recipe(
            tiny_recipe(method),
            tiny_blooms,
            name=method.replace("+", "p"),
            runs=folder / "runs",
            cache=folder / "cache",
            device="cpu",
            reporter=Silent(),
        )
    return files


def picture(path: Path, size: tuple[int, int] = (40, 30), seed: int = 0) -> Path:
    """Write a JPEG of smooth noise; size is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


@pytest.fixture
def pictures(tmp_path):
    """300 JPEG files as a data set of one split."""
    items = tuple(f"{number:03d}.jpg" for number in range(300))
    for number, item in enumerate(items):
        picture(tmp_path / "pictures" / item, (24, 20), number)
    split = Split("pictures", "test", items, {}, {})
    return folders.open_image_files("pictures", tmp_path / "pictures", {"test": split})


def make_cub(root: Path, *, classes: int = 3, images: int = 8) -> Path:
    """CUB-200-2011's official layout in small, its class ids not contiguous. Returns the data folder."""
    folder = root / "CUB_200_2011"
    folder.mkdir(parents=True)
    lists = {name: [] for name in ("classes", "images", "image_class_labels", "train_test_split")}
    number = 0
    for label in range(1, 2 * classes, 2):
        lists["classes"].append(f"{label} {label:03d}.Bird_{label}")
        for position in range(images):
            number += 1
            name = f"{label:03d}.Bird_{label}/Bird_{number:04d}.jpg"
            lists["images"].append(f"{number} {name}")
            lists["image_class_labels"].append(f"{number} {label}")
            lists["train_test_split"].append(f"{number} {int(position % 2 == 0)}")
            picture(folder / "images" / name, (40 + number % 5, 30), number)
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


def make_flowers(root: Path, images: int = 24) -> Path:
    """Flowers-102's official layout in small. Returns the data folder."""
    from scipy.io import savemat

    folder = root / "flowers-102"
    folder.mkdir(parents=True)
    for number in range(1, images + 1):
        picture(folder / "jpg" / f"image_{number:05d}.jpg", (30, 44), number)
    numbers = np.arange(1, images + 1)
    savemat(folder / "imagelabels.mat", {"labels": (numbers % 3 + 1)[None]})
    thirds = np.array_split(numbers, 3)
    savemat(
        folder / "setid.mat", {key: part[None] for key, part in zip(("trnid", "valid", "tstid"), thirds, strict=True)}
    )
    return root
