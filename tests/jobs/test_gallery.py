"""Pictures of measurements: neighbours of some test images, or what a row holds.

Covers ``loocbench.jobs.pictures``.
"""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from loocbench.cards import tasks
from loocbench.data.blooms import make_blooms
from loocbench.errors import UserError
from loocbench.jobs import evaluation, gallery, pictures
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from tests.conftest import TINY

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def opened(only_tiny_blooms, checkpoint):
    """A retrieval task on an untrained network."""
    return evaluation.open_task(
        tasks.load_task("retrieval/blooms"), str(checkpoint), None, Session(EvaluationSettings())
    )


def size(path):
    image = Image.open(path)
    assert np.asarray(image.convert("L")).std() > 10
    return image.size


def test_models_stand_one_above_the_other(opened, tmp_path):
    one = gallery.draw_neighbours([opened], tmp_path / "one.png")
    two = gallery.draw_neighbours([opened, opened], tmp_path / "two.png")
    assert size(two)[1] > 1.5 * size(one)[1]


def test_models_on_different_images_are_not_compared(opened, tmp_path):
    others = replace(opened, dataset=make_blooms({**TINY, "test": 32}))
    with pytest.raises(UserError, match="compares models on the same test images"):
        gallery.draw_neighbours([opened, others], tmp_path / "two.png")
    assert not (tmp_path / "two.png").exists()


def test_a_row_of_retrieval_is_pictured_by_neighbours(opened, tmp_path):
    row = evaluation.measure(opened)
    path = pictures.draw_row(opened, row, tmp_path / "row.png")
    assert path == tmp_path / "row.png"
    assert size(path) == size(gallery.draw_neighbours([opened], tmp_path / "same.png"))
