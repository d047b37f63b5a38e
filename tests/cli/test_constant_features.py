"""A network that sees no difference between images gets figures at chance, and every place says why."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def alike(tmp_path):
    """A folder of pictures of one colour, in three splits of two classes."""
    for split in ("train", "val", "test"):
        for kind in ("a", "b"):
            (tmp_path / "alike" / split / kind).mkdir(parents=True)
            for number in range(4):
                path = tmp_path / "alike" / split / kind / f"{number}.png"
                Image.fromarray(np.full((32, 32, 3), 90, dtype=np.uint8)).save(path)
    return tmp_path / "alike"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("probe", []),
        ("probe", ["--solver", "ridge"]),
        ("probe", ["--solver", "sgd"]),
        ("knn", []),
        ("few-shot", ["--shots", "2"]),
    ],
)
def test_constant_features_are_at_chance_and_said_to_be_constant(loocbench, alike, command, options):
    said = loocbench(command, "--dataset", f"folder:{alike}", "--checkpoint", "random:resnet8", *options)
    assert said.code == 0, said.err
    assert "50.0" in said.out
    assert "is constant: all test images have the same features" in " ".join((said.out + said.err).split())
    assert "Constant features, Random" in loocbench("report", "--format", "markdown").out
