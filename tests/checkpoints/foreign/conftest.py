"""Fixtures of tests that import foreign files."""

from __future__ import annotations

import pytest

from tests.checkpoints.foreign.file_layouts import resnet18
from tests.checkpoints.foreign.helpers import (
    assert_import_refused,
    shufflenet_weights,
)


@pytest.fixture(scope="module")
def weights():
    """A small network of torchvision's."""
    return shufflenet_weights()


@pytest.fixture
def refused(one_line, tmp_path):
    """Import a file where it must be refused: the line, and nothing written."""
    return lambda path, *options: assert_import_refused(one_line, tmp_path, path, *options)


@pytest.fixture(scope="module")
def source():
    """The network whose weights every layout holds."""
    return resnet18()
