"""ImageNet-C: corruption and severity are labels, whether the archives are sorted into groups or not.

``loocbench.data.readers.imagenet_c``.
"""

import pytest

from loocbench.data import catalog
from tests.data import layouts


@pytest.mark.parametrize("grouped", [False, True])
def test_corruption_and_severity_are_labels(tmp_path, grouped):
    test = catalog.open_dataset("imagenet-c-100", layouts.make_imagenet_c(tmp_path, grouped=grouped)).splits["test"]
    assert len(test.class_names["corruption"]) == 15
    for row, item in enumerate(test.items):
        corruption = test.class_names["corruption"][test.labels["corruption"][row]]
        severity = test.class_names["severity"][test.labels["severity"][row]]
        assert f"{corruption}/{severity}/" in item
