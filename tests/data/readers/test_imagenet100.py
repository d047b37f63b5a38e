"""ImageNet-100: the published classes, from ImageNet's own layout and from Kaggle's."""

import numpy as np

from loocbench.data import catalog
from loocbench.data.readers import imagenet100
from tests.data import layouts


def test_imagenet_100_is_the_published_list_and_nothing_else(tmp_path):
    names = imagenet100.read_imagenet100_classes()
    assert len(names) == 100
    assert list(names)[:2] == ["n01558993", "n01692333"]
    assert names["n03642806"] == "n03642806 laptop"
    dataset = catalog.open_dataset("imagenet100", layouts.make_imagenet(tmp_path))
    assert not [item for split in dataset.splits.values() for item in split.items if "n01440764" in item]


def test_kaggles_layout_of_imagenet_has_a_flat_val(tmp_path):
    layouts.make_imagenet(tmp_path)
    inner = tmp_path / "imagenet" / "ILSVRC" / "Data" / "CLS-LOC"
    inner.mkdir(parents=True)
    (tmp_path / "imagenet" / "train").rename(inner / "train")
    lines = ["ImageId,PredictionString"]
    for number, path in enumerate(sorted((tmp_path / "imagenet" / "val").rglob("*.JPEG"))):
        (inner / "val").mkdir(exist_ok=True)
        path.rename(inner / "val" / f"ILSVRC2012_val_{number:08d}.JPEG")
        lines.append(f"ILSVRC2012_val_{number:08d},{path.parent.name} 85 1 499 272 ")
    (tmp_path / "imagenet" / "LOC_val_solution.csv").write_text("\n".join(lines) + "\n")
    dataset = catalog.open_dataset("imagenet100", tmp_path)
    assert layouts.count_items(dataset) == {"train": 24, "val": 6, "test": 6}
    assert np.bincount(dataset.splits["test"].labels["class"]).tolist() == [2, 2, 2]


def test_a_broken_copy_is_refused_in_one_line(tmp_path):
    layouts.make_imagenet(tmp_path)
    (tmp_path / "imagenet" / "val").rename(tmp_path / "x")
    layouts.assert_refused("imagenet100", tmp_path, "no folder of ImageNet-100's classes")
