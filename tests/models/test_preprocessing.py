"""The preprocessing that a network gets where nothing else is known."""

import pytest

from loocbench.models.preprocessing import default_preprocessing


@pytest.mark.parametrize(("image_size", "resize"), [(224, 256), (64, 73), (32, 37)])
def test_the_short_side_is_resized_to_eight_sevenths_of_the_crop(image_size, resize):
    size = default_preprocessing(image_size)
    assert (size.image_size, size.resize) == (image_size, resize)
    assert size.mean == (0.485, 0.456, 0.406)
