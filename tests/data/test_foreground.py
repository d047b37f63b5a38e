"""Foreground masks from CUB's boxes and segmentations and from Flowers' segmentations, at any size of the image.

``loocbench.data.foreground``.
"""

import numpy as np
import pytest
from PIL import Image

from loocbench.data import catalog
from loocbench.errors import DamagedImageError
from tests.conftest import make_cub, make_flowers


def masks_of(dataset, count=3, side=24):
    items = dataset.splits["test"].items[:count]
    sizes = dataset.sizes(items, side)
    return items, sizes, dataset.foreground.masks(items, sizes)


def write_boxes(folder, box=(10, 6, 20, 12)):
    keys = [line.split()[0] for line in (folder / "images.txt").read_text().splitlines()]
    (folder / "bounding_boxes.txt").write_text("".join(f"{key} {' '.join(map(str, box))}\n" for key in keys))
    return keys


def test_a_box_is_a_rectangle_of_the_resized_image(tmp_path):
    folder = make_cub(tmp_path) / "CUB_200_2011"
    write_boxes(folder)
    dataset = catalog.open_dataset("cub200", tmp_path)
    assert dataset.foreground.kind == "bounding box"
    for item, (height, width), mask in zip(*masks_of(dataset), strict=True):
        assert mask.shape == (height, width)
        w, h = Image.open(folder / "images" / item).size
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert [rows[0] / height, (rows[-1] + 1) / height] == pytest.approx([6 / h, 18 / h], abs=1 / height)
        assert [columns[0] / width, (columns[-1] + 1) / width] == pytest.approx([10 / w, 30 / w], abs=1 / width)
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_a_box_of_images_that_were_made_smaller_is_in_official_pixels(tmp_path):
    folder = make_cub(tmp_path) / "CUB_200_2011"
    keys = write_boxes(folder, box=(100, 60, 200, 120))
    (folder / "image_sizes.txt").write_text("".join(f"{key} 400 300 40 30\n" for key in keys))
    for _, (height, width), mask in zip(*masks_of(catalog.open_dataset("cub200", tmp_path)), strict=True):
        assert mask.mean() == pytest.approx(200 / 400 * 120 / 300, abs=0.05)
        assert mask[height // 5 + 1, width // 4 + 1]


@pytest.mark.parametrize("where", ["CUB_200_2011/segmentations", "segmentations"])
def test_segmentations_come_before_boxes(tmp_path, where):
    folder = make_cub(tmp_path) / "CUB_200_2011"
    write_boxes(folder)
    for image in (folder / "images").rglob("*.jpg"):
        mask = np.zeros((30, 40), dtype=np.uint8)
        mask[:15] = 255
        mask[15:20] = 51  # what one of five annotators saw
        target = (tmp_path / where / image.relative_to(folder / "images")).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(target)
    dataset = catalog.open_dataset("cub200", tmp_path)
    assert dataset.foreground.kind == "segmentation"
    for _, (height, _width), mask in zip(*masks_of(dataset), strict=True):
        assert mask[: height // 2 - 1].all()
        assert not mask[height // 2 + 1 :].any()


def test_flowers_segmentations_are_what_is_not_blue(tmp_path):
    folder = make_flowers(tmp_path) / "flowers-102"
    assert catalog.open_dataset("flowers102", tmp_path).foreground is None
    (folder / "segmim").mkdir()
    for number in range(1, 25):
        pixels = np.full((440, 300, 3), (0, 0, 254), dtype=np.uint8)
        pixels[100:300, 50:250] = (250, 200, 60)
        Image.fromarray(pixels).save(folder / "segmim" / f"segmim_{number:05d}.jpg", quality=90)
    dataset = catalog.open_dataset("flowers102", tmp_path)
    assert dataset.foreground.kind == "segmentation"
    for _, _, mask in zip(*masks_of(dataset), strict=True):
        assert mask.mean() == pytest.approx(20 * 20 / (44 * 30), abs=0.1)
    (folder / "segmim" / "segmim_00017.jpg").unlink()
    with pytest.raises(DamagedImageError, match=r"segmim_00017.jpg is missing"):
        masks_of(dataset)


def test_a_copy_without_boxes_has_no_foreground(tmp_path):
    make_cub(tmp_path)
    assert catalog.open_dataset("cub200", tmp_path).foreground is None


@pytest.mark.realdata
def test_the_real_boxes_hold_their_birds(photographs):
    """Beaks and crowns are inside the boxes: the official part locations are in the same pixels."""
    dataset = catalog.open_dataset("cub200", photographs)
    _, _, masks = masks_of(dataset, count=200, side=64)
    assert 0.2 < np.mean([mask.mean() for mask in masks]) < 0.7
