"""Folders of pictures."""

import pytest

from loocbench.data import catalog
from tests.conftest import picture


@pytest.fixture
def pets(tmp_path):
    """150 pictures of several sizes: more than two chunks."""
    for number in range(150):
        picture(tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number:03d}.jpg", (40 + number % 7, 30), number)
    return catalog.open_dataset(f"folder:{tmp_path / 'pets'}")
