"""Memory stays bounded while the number of images grows tenfold."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_ten_times_the_images_take_no_more_memory():
    path = Path(__file__).parents[2] / "benchmarks" / "memory.py"
    spec = importlib.util.spec_from_file_location("memory", path)
    assert spec is not None
    assert spec.loader is not None
    memory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(memory)
    few, many = memory.measure(64, width=1200)  # two batches of wide images, of which the network sees the centres
    assert many["store"] > few["store"] + 250e6
    assert many["peak"] < few["peak"] + 125e6  # pages are given back after 64 MiB
