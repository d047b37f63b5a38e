"""Products are the same by either library, whatever the layout of their arguments."""

import multiprocessing
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from loocbench.solvers import products


@pytest.fixture(params=["onednn", "openblas", "torch"])
def library(request, monkeypatch):
    """Every product, however small, goes through this library where it is the fast one."""
    monkeypatch.setattr(products, "has_slow_torch", lambda: request.param != "torch")
    monkeypatch.setattr(products, "_FEW_FOR_ONEDNN", 1)
    monkeypatch.setattr(products, "_FEW_FOR_OPENBLAS", 1)
    monkeypatch.setattr(products, "_PART", 4)
    monkeypatch.setattr(products, "_COLUMNS", 1)
    if request.param == "openblas":
        monkeypatch.setattr(products, "can_call_onednn", lambda: False)
    elif request.param == "onednn" and not products.can_call_onednn():
        pytest.skip("this torch has no oneDNN")


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
    wide = [torch.randn(len(matrix), matrix.shape[1] + 1, dtype=dtype) for matrix in (a, b, b.T)]
    for within, matrix in zip(wide, (a, b, b.T), strict=True):
        within[:, :-1] = matrix
    for left in (a, a.T.contiguous().T, wide[0][:, :-1]):
        for right in (b, b.T.contiguous().T, wide[1][:, :-1], wide[2][:, :-1].T):
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


def test_torch_multiplies_on_an_intel_and_where_it_does_not_use_mkl(monkeypatch):
    for intel, mkl in ((True, True), (False, True), (False, False)):
        monkeypatch.setattr(products, "_is_intel", lambda intel=intel: intel)
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda mkl=mkl: mkl)
        assert products.has_slow_torch.__wrapped__() is (mkl and not intel)


def multiplying_library(monkeypatch, a, b):
    """Which of the libraries multiplies: torch where it is neither of the two others."""
    used = ["torch"]
    monkeypatch.setattr(products, "_call_onednn", lambda a, b: used.append("onednn"))
    monkeypatch.setattr(products, "_multiply_by_openblas", lambda a, b, out: used.append("openblas"))
    products.multiply(a, b)
    return used[-1]


@pytest.mark.parametrize(
    ("instructions", "dtype", "operations", "library"),
    [
        ("AVX512", torch.float32, "few", "torch"),
        ("AVX512", torch.float32, "some", "onednn"),
        ("AVX512", torch.float32, "many", "onednn"),
        ("AVX512", torch.float64, "some", "torch"),
        ("AVX512", torch.float64, "many", "openblas"),
        ("AVX2", torch.float32, "some", "onednn"),
        ("AVX2", torch.float32, "many", "openblas"),
    ],
)
def test_the_fast_library_multiplies(monkeypatch, instructions, dtype, operations, library):
    monkeypatch.setattr(products, "has_slow_torch", lambda: True)
    monkeypatch.setattr(products, "can_call_onednn", lambda: True)
    monkeypatch.setattr(products, "_has_openblas", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: instructions)
    for limit, value in (("_FEW_FOR_ONEDNN", 200), ("_FEW_FOR_OPENBLAS", 2_000), ("_LARGE", 2_000)):
        monkeypatch.setattr(products, limit, value)
    size = {"few": 4, "some": 8, "many": 16}[operations]
    a = torch.ones(size, size, dtype=dtype)
    assert multiplying_library(monkeypatch, a, a) == library


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64])
def test_other_types_are_left_to_torch(monkeypatch, dtype):
    monkeypatch.setattr(products, "has_slow_torch", lambda: True)
    monkeypatch.setattr(products, "_FEW_FOR_ONEDNN", 1)
    monkeypatch.setattr(products, "_FEW_FOR_OPENBLAS", 1)
    a = torch.ones(4, 4, dtype=dtype)
    assert multiplying_library(monkeypatch, a, a) == "torch"


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        (torch.ones(3, 4), torch.ones(3, 4), None),
        (torch.ones(3, 4), torch.ones(4, 2).double(), None),
        (torch.ones(3, 4), torch.ones(4), torch.ones(3, 2)),
        (torch.ones(3, 4), torch.ones(4, 2), torch.ones(3, 2).double()),
        (torch.ones(3, 4).double(), torch.ones(4, 2).double(), torch.ones(3, 1).double().expand(3, 2)),
        (torch.ones(3, 4), torch.ones(4, 2, requires_grad=True), torch.ones(3, 2)),
    ],
)
def test_what_torch_refuses_is_refused(a, b, out):
    with pytest.raises(RuntimeError):
        torch.mm(a, b, out=out)
    with pytest.raises(RuntimeError):
        products.multiply(a, b, out)


@pytest.mark.usefixtures("library")
def test_gradients_are_torchs():
    a, b = torch.randn(3, 4, requires_grad=True), torch.randn(4, 2)
    products.multiply(a, b).sum().backward()
    torch.testing.assert_close(a.grad, b.sum(dim=1).expand(3, 4))


def test_products_in_several_threads_leave_openblas_its_own():
    def threads():
        return [one["num_threads"] for one in products._openblas().info()]

    before, a = threads(), torch.ones(300, 300, dtype=torch.float64)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(products._multiply_by_openblas, a, a, a.clone()) for _ in range(40)]:
            done.result()
    assert threads() == before


def test_small_products_are_left_to_torch(monkeypatch):
    monkeypatch.setattr(products, "has_slow_torch", lambda: pytest.fail("it was asked"))
    assert products.multiply(torch.ones(2, 3), torch.ones(3, 2)).tolist() == [[3, 3], [3, 3]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_openblas_multiplies_in_a_forked_process_too():
    a = torch.ones(4, 4)
    products._multiply_by_openblas(a, a, a.clone())
    process = multiprocessing.get_context("fork").Process(
        target=products._multiply_by_openblas, args=(a, a, a.clone()), daemon=True
    )
    process.start()
    process.join(20)
    assert process.exitcode == 0
