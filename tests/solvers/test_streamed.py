"""The streamed path is the path: same solutions from blocks of any size, and memory that does not grow with N.

Covers loocbench.solvers.blocks, too.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loocbench.solvers import blocks as blocks_module
from loocbench.solvers import newton, streamed
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.grid import NotConvergedError
from loocbench.solvers.logistic import fit_logistic_path
from loocbench.solvers.streamed import fit_streamed_path
from tests.solvers.test_logistic import GRID, data
from tests.solvers.witness import assert_both_near_the_optimum, assert_same_classes


@pytest.mark.parametrize("kept", [0, 2, 1000], ids=["no probabilities kept", "those of two blocks", "all"])
@pytest.mark.parametrize(("n", "d"), [(150, 10), (40, 90)], ids=["N > D", "N < D"])
def test_solutions_are_those_of_the_path_in_memory(monkeypatch, n, d, kept):
    monkeypatch.setattr(blocks_module, "_BLOCK_BYTES", 4 * d * 16)  # 16 rows a block
    monkeypatch.setattr(streamed, "_KEPT_BYTES", kept * 4 * 16 * 4)
    x, y = data(n, d)
    expected = fit_logistic_path(x, y, GRID, tolerance=1e-9)
    path = fit_streamed_path(Blocks.from_tensor(x), y, GRID, tolerance=1e-9)
    for position, strength in enumerate(GRID):
        ours, theirs = ((one.weights[position], one.intercepts[position]) for one in (path, expected))
        bound = assert_both_near_the_optimum(x, y, strength, ours, theirs, our_gradient=1e-9, their_gradient=1e-9)
        assert bound < 1e-4
    torch.testing.assert_close(path.certificate, expected.certificate, rtol=0, atol=1e-9)
    assert_same_classes(path.scores(x), expected.scores(x), apart=1e-2)


def test_features_of_few_dimensions_take_few_passes():
    """Weakly regularised: what rounding leaves of the span outside of it would be divided by a millionth. 603 passes
    where it is taken out, 4,649 where it is not."""
    generator, y = torch.Generator().manual_seed(0), torch.arange(600) % 4
    x = torch.randn(600, 20, generator=generator) + 0.5 * torch.randn(4, 20, generator=generator)[y]
    x = x @ torch.randn(20, 60, generator=generator)
    given, passes = Blocks.from_tensor(30 * x / x.norm(dim=1).mean()), []
    counted = Blocks(given.shape, lambda begin, end: (passes.append(begin), given.read(begin, end))[1])
    path = fit_streamed_path(counted, y, [10.0**-power for power in range(1, 7)], tolerance=1e-7)
    assert float(path.certificate.max()) <= 1e-7
    assert len(passes) < 1500


@given(first=st.integers(1, 9), second=st.integers(1, 9), rows=st.integers(1, 5))
def test_blocks_are_the_rows_in_order(first, second, rows):
    one, other = torch.randn(first, 3), torch.randn(second, 3)
    before = blocks_module._BLOCK_BYTES
    try:
        blocks_module._BLOCK_BYTES = 4 * 3 * rows
        both = Blocks.from_tensor(one).followed_by(Blocks.from_tensor(other))
        assert torch.equal(both.whole(), torch.cat([one, other]))
        assert [r.start for r, _ in both] == list(range(0, first + second, rows))
        torch.testing.assert_close(both.mean(), torch.cat([one, other]).double().mean(dim=0))
        assert torch.equal(both.map(lambda block: 2 * block).whole(), 2 * torch.cat([one, other]))
    finally:
        blocks_module._BLOCK_BYTES = before


def test_mapped_parts_stand_side_by_side(tmp_path):
    parts = []
    for number, dim in enumerate((2, 3)):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).random((7, dim), dtype=np.float32))
        parts.append(np.load(tmp_path / f"{number}.npy", mmap_mode="r"))
    blocks = Blocks.from_arrays(parts, torch.device("cpu"))
    assert blocks.shape == (7, 5)
    np.testing.assert_array_equal(blocks.whole().numpy(), np.concatenate(parts, axis=1))


def test_one_that_misses_its_tolerance_is_an_error(monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 1)
    x, y = data()
    with pytest.raises(NotConvergedError):
        fit_streamed_path(Blocks.from_tensor(x), y, [1e-6], tolerance=1e-9)


MEMORY = """
import sys, torch
from pathlib import Path
from loocbench.solvers import blocks as blocks_module
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.streamed import fit_streamed_path
torch.set_num_threads(1)
blocks_module._BLOCK_BYTES = 2**22
def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
dim = 128
noise = torch.randn(8192, dim)
def read(begin, end):  # features that are nowhere: made when they are read
    return noise[: end - begin] * (1 + begin / 1e6) + torch.arange(begin, end)[:, None] % 5
for count in map(int, sys.argv[1:]):  # the first includes what is loaded once
    fit_streamed_path(Blocks((count, dim), read), torch.arange(count) % 5, [1.0], tolerance=1e-3)
    print(peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_peak_memory_does_not_depend_on_the_number_of_images():
    """100,000 x 128 features are 51 MB in float32, 102 MB in float64; 8,192 rows are one block, here of 4 MB."""
    exact = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}  # freed memory is given back, and not counted
    command = [sys.executable, "-c", MEMORY, "25000", "100000"]
    few, many = map(int, subprocess.check_output(command, text=True, env=exact).split())
    assert many - few < 20_000  # kB; 38,000 more are the features alone in float32
