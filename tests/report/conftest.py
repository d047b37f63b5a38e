"""The command line for tests of what it writes."""

from tests.cli.conftest import loocbench  # noqa: F401  (a fixture)
