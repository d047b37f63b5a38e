"""The command line for tests of what it writes."""

from tests.cli.conftest import draft_pictures, loocbench  # noqa: F401  (fixtures)
