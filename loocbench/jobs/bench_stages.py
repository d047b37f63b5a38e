"""The stages between an image file and its stored features, each as a function that can be timed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from loocbench.cache import feature_files
from loocbench.data import folders, parallel, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.features import inference, transfers
from loocbench.features.encoder import Encoder
from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Batches
from loocbench.pretraining.layout import Layout
from loocbench.pretraining.methods.method import ContrastiveMethod
from loocbench.progress import Reporter, Silent
from loocbench.types import Dataset, Recipe, Split

MADE_SIZE = (500, 375)  # pixels, about a photograph of CUB-200 or ImageNet
READ, DECODE, CROPS, VIEWS = "read", "decode", "crops", "views"
PLAIN, FAST, WRITE = "forward, plain", "forward, fast", "write"


@contextmanager
def temporary_photographs(count: int) -> Iterator[Dataset]:
    """Open a data set of JPEG files of smooth noise, of a photograph's size, deleted when the block ends."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="loocbench-bench-") as folder:
        for number in range(count):
            coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            path = Path(folder) / f"class{number % 2}" / f"{number:05d}.jpg"
            path.parent.mkdir(exist_ok=True)
            coarse.resize(MADE_SIZE, Image.Resampling.BICUBIC).save(path, quality=92)
        items = tuple(folders.list_images(Path(folder)))
        yield folders.open_image_files("made photographs", Path(folder), {"test": Split("made", "test", items, {}, {})})


def prepare_stages(
    encoder: Encoder, dataset: Dataset, split: Split, scratch: Path, reporter: Reporter
) -> dict[str, Callable[[], Any]]:
    """Return, by stage, a function that does its work on all images of a split. scratch: a folder for files."""
    preprocessing, count, batch_size = encoder.preprocessing, len(split), inference.default_batch_size(encoder)
    interpolation = preprocessing.interpolation
    images = preparing.prepare(
        dataset, split, preprocessing.resize, cache=scratch, reporter=Silent(), interpolation=interpolation
    )
    batches = [np.arange(begin, min(begin + batch_size, count)) for begin in range(0, count, batch_size)]
    crops = [images.center_crops(rows, preprocessing.image_size) for rows in batches]
    network = inference.InferenceNetwork(encoder, info=reporter.info)
    features = {name: values.cpu().numpy() for name, values in network(crops[0]).items()}
    stages: dict[str, Callable[[], Any]] = {}
    if dataset.files is not None:
        paths = [dataset.files.folder / item for item in split.items]
        stages[READ] = lambda: _read_files(paths)
    return stages | {
        DECODE: lambda: dataset.read(split.items, preprocessing.resize),
        CROPS: lambda: [images.center_crops(rows, preprocessing.image_size) for rows in batches],
        VIEWS: lambda: _make_views(encoder, images, batches),
        PLAIN: lambda: [_wait_for(encoder.all_spaces(batch)) for batch in crops],
        FAST: lambda: _run_forward(network, crops, encoder.device),
        WRITE: lambda: _write_features(scratch, features, batches),
    }


def _make_views(encoder: Encoder, images: PreparedImages, batches: Sequence[np.ndarray]) -> None:
    """Make the views of each image as in pretraining, by the checkpoint's own recipe or else MoCo v2's."""
    views = Batches(_views_recipe(encoder), images, None, encoder.device)
    for _ in views.iterate_epoch(0, [part for part in batches if len(part) > 1], Layout()):
        pass


def _views_recipe(encoder: Encoder) -> Recipe:
    recipe = encoder.card.recipe
    contrastive = recipe is not None and isinstance(recipes.find_method(recipe.method), ContrastiveMethod)
    if recipe is not None and contrastive and recipe.texture != "stylised":
        return recipe
    return recipes.make(
        "moco",
        backbone="resnet8",
        image_size=encoder.preprocessing.image_size,
        epochs=1,
        batch_size=inference.default_batch_size(encoder),
        learning_rate=0.1,
    )


def _write_features(scratch: Path, features: dict[str, feature_files.Matrix], batches: Sequence[np.ndarray]) -> None:
    feature_files.create_file(scratch / "features")
    with feature_files.FeatureWriter(scratch / "features", sum(map(len, batches)), lambda dims: {}) as writer:
        for part in batches:
            writer.write(int(part[0]), {name: values[: len(part)] for name, values in features.items()})


def _wait_for(features: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return one space's features on the CPU, which waits until a GPU has finished."""
    return next(iter(features.values())).cpu()


def _run_forward(network: inference.InferenceNetwork, crops: Sequence[torch.Tensor], device: torch.device) -> None:
    """Run the network as extraction does: batches and features are copied while it computes."""
    on_device = transfers.to_device(enumerate(crops), device)
    for _ in transfers.to_cpu(((number, network(batch)) for number, batch in on_device), device):
        pass


def _read_files(paths: Sequence[Path]) -> None:
    with ThreadPoolExecutor(parallel.count_cores()) as pool:
        for _ in pool.map(Path.read_bytes, paths):
            pass
