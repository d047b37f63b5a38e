"""ObjectNet: thirteen classes of ImageNet-100, images without their red frame."""

from loocbench.data import catalog
from loocbench.data.readers import imagenet100, objectnet
from tests.data import layouts


def test_objectnets_red_frame_is_cut_off(tmp_path):
    dataset = catalog.open_dataset("objectnet13", layouts.make_objectnet(tmp_path))
    item = dataset.splits["test"].items[0]
    (image,) = dataset.read([item], 30)
    assert image.shape == (30, 40, 3)
    assert (image == (0, 0, 255)).all()
    assert dataset.sizes([item], 15).tolist() == [[15, 20]]


def test_its_thirteen_classes_are_among_those_of_imagenet_100():
    assert len(objectnet.CLASS_FOLDERS) == 13
    assert set(objectnet.CLASS_FOLDERS.values()) < set(imagenet100.read_imagenet100_classes())
