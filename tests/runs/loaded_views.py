"""Loads the compiled views when it is imported, so that a process that is forked from the importer starts fast."""

import numpy as np
import torch

from loocbench.types import ImageBatch
from loocbench.views.leave_one_out import independent_sources
from loocbench.views.view_maker import ViewMaker
from tests.runs import test_kills  # noqa: F401  # the function that a forked process calls

_maker = ViewMaker(16, independent_sources(("crop", "flip", "blur", "color", "rotation")))
_sizes = torch.full((2, 2), 18)
_images = ImageBatch(torch.zeros(2, 3, 18, 18, dtype=torch.uint8), _sizes, None)
_maker.apply(_images, _maker.draw(0, 0, np.arange(2), _sizes, range(1)))
