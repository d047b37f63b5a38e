"""Sizes and durations on the command line."""

import pytest

from loocbench.cache import units
from loocbench.errors import UserError


def test_sizes_are_parsed():
    assert units.parse_size("1.5 GB", "--max-size") == 1_500_000_000
    assert units.parse_size("500mb", "--max-size") == 500_000_000
    for wrong in ("50", "lots", "-1GB", ""):
        with pytest.raises(UserError, match="write 500MB, 50GB or 2TB"):
            units.parse_size(wrong, "--max-size")


def test_durations_are_parsed():
    assert units.parse_duration("2w", "--older-than") == 14 * 86400
    with pytest.raises(UserError, match="write 12h, 30d or 2w"):
        units.parse_duration("yesterday", "--older-than")


def test_sizes_are_formatted():
    assert [units.format_size(size) for size in (12, 1_200, 3 * 10**9)] == ["12 B", "1.2 KB", "3.0 GB"]
