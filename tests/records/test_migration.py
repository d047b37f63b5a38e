"""Rows of older schemas are read as today's.

Covers ``loocbench.records.migration``.
"""

import json
from pathlib import Path

from loocbench.records import store
from loocbench.types import Recipe


def test_a_row_of_the_first_schema_is_read_as_todays():
    path = Path(__file__).parent / "row-of-schema-1.json"
    before = path.read_bytes()
    assert json.loads(before)["schema_version"] == 1
    found = store.read_row(path)
    assert (found.schema_version, found.backbone, found.image_size) == (4, "resnet8", 32)
    assert (found.source, found.title) == ("", "")
    assert found.items == {}
    assert found.measured_with is None
    assert isinstance(found.recipe, Recipe)
    assert path.read_bytes() == before
