"""Describable Textures: torchvision's lists, in both layouts; broken copies are refused.

``loocbench.data.readers.dtd``.
"""

from collections import Counter

import pytest
from torchvision.datasets import DTD

from loocbench.data import catalog
from tests.data import layouts


@pytest.mark.parametrize("nested", [False, True])
def test_dtd_is_torchvisions(tmp_path, nested):
    layouts.make_dtd(tmp_path, nested=nested)
    ours = catalog.open_dataset("dtd", tmp_path)
    if not nested:
        (tmp_path / "dtd").rename(tmp_path / "inner")
        (tmp_path / "dtd").mkdir()
        (tmp_path / "inner").rename(tmp_path / "dtd" / "dtd")
    for split in ("train", "val", "test"):
        theirs = DTD(tmp_path, split=split)
        names = [path.relative_to(theirs._images_folder).as_posix() for path in theirs._image_files]
        assert layouts.count_pairs(ours, split) == Counter(zip(names, theirs._labels, strict=True))


@pytest.mark.parametrize(
    ("listing", "message"),
    [("/etc/passwd\n", "outside the data set"), ("woven/no.jpg\n", "lacks every image of the val")],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, listing, message):
    (layouts.make_dtd(tmp_path) / "dtd" / "labels" / "val1.txt").write_text(listing)
    layouts.assert_refused("dtd", tmp_path, message)
