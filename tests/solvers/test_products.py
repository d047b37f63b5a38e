"""Products are the same by either library, whatever the layout of their arguments."""

import multiprocessing
import os
import warnings

import numpy as np
import pytest
import torch

from loocbench.solvers import products


@pytest.fixture(params=[True, False], ids=["numpy", "torch"])
def library(request, monkeypatch):
    """Every product, however small, goes through numpy where numpy is the faster one."""
    monkeypatch.setattr(products, "has_faster_numpy", lambda: request.param)
    monkeypatch.setattr(products, "_FEW_OPERATIONS", 0)


def naive(a, b):
    return torch.tensor([[sum(x * y for x, y in zip(row, column, strict=True)) for column in b.T] for row in a])


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5, 7, 3), (3, 4, 9), (1, 6, 1), (2, 0, 3)])
def test_a_product_is_the_naive_one_in_every_layout(dtype, shape):
    n, d, k = shape
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(n, d, generator=generator, dtype=dtype), torch.randn(d, k, generator=generator, dtype=dtype)
    wanted = naive(a.double(), b.double()).to(dtype).reshape(n, k)
    wider = torch.randn(n, d + 1, dtype=dtype)
    wider[:, :-1] = a
    for left in (a, a.T.contiguous().T, wider[:, :-1]):
        for right in (b, b.T.contiguous().T):
            torch.testing.assert_close(products.multiply(left, right), wanted)
    space = torch.zeros(n, k + 2, dtype=dtype)
    assert products.multiply(a, b, out=space[:, :k]).data_ptr() == space.data_ptr()
    torch.testing.assert_close(space[:, :k], wanted)
    assert not space[:, k:].any()


@pytest.mark.usefixtures("library")
def test_what_is_not_finite_stays_so_without_a_warning():
    a = torch.full((4, 4), torch.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert products.multiply(a, a - torch.inf).isnan().all()


def test_numpy_multiplies_where_torch_has_mkl_on_another_makers_processor(monkeypatch):
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "scipy-openblas"}}})
    for intel in (True, False):
        monkeypatch.setattr(products, "_is_intel", lambda intel=intel: intel)
        assert products.has_faster_numpy.__wrapped__() is not intel
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "mkl"}}})
    assert not products.has_faster_numpy.__wrapped__()


def test_small_products_are_left_to_torch(monkeypatch):
    monkeypatch.setattr(products, "has_faster_numpy", lambda: pytest.fail("it was asked"))
    assert products.multiply(torch.ones(2, 3), torch.ones(3, 2)).tolist() == [[3, 3], [3, 3]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_forked_process_multiplies_too(monkeypatch):
    monkeypatch.setattr(products, "has_faster_numpy", lambda: True)
    monkeypatch.setattr(products, "_FEW_OPERATIONS", 0)
    a = torch.ones(4, 4)
    products.multiply(a, a)
    process = multiprocessing.get_context("fork").Process(target=products.multiply, args=(a, a), daemon=True)
    process.start()
    process.join(20)
    assert process.exitcode == 0
