"""The fixed store's table."""

import pytest

from tests.report import renew


@pytest.fixture(scope="session")
def built():
    return renew.built()
