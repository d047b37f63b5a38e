"""The public functions of ``loocbench``, ``loocbench.solvers`` and the modules behind them: importable, documented,
and cheap until they are called. docs/api.md describes them."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import loocbench
import loocbench.results
import loocbench.solvers
from loocbench.jobs import api
from loocbench.jobs import pretrain as pretrain_job
from loocbench.records import store
from loocbench.types import Row

PAGE = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
PUBLIC = (
    "loocbench.load",
    "loocbench.pretrain",
    "loocbench.evaluate",
    "loocbench.use_plugins",
    "loocbench.results.load",
    "loocbench.solvers.fit_logistic_path",
    "loocbench.pretraining.objective.looc_loss",
)
HEAVY = {"torch", "torchvision", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "PIL", "pydantic"}


def public_function(name):
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def section(name):
    """The part of docs/api.md under the heading of a function."""
    _, _, behind = PAGE.partition(f"\n## {name}\n")
    return behind.partition("\n## ")[0]


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_names_every_argument_and_the_errors(name):
    function = public_function(name)
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"(?<!\w){parameter}(?!\w)", function.__doc__), parameter
    assert re.search(r"Raises|Error", function.__doc__)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_page_shows_signature_example_and_errors(name):
    text = section(name)
    signature, *examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for parameter in inspect.signature(public_function(name)).parameters.values():
        assert re.search(rf"(?<!\w){parameter.name}(?!\w)", signature), parameter
        if isinstance(parameter.default, (int, float, str, bool)):
            assert re.search(rf"{parameter.name}: [^=]+ = {re.escape(_source(parameter.default))}[,)\s]", signature)
    assert name.rpartition(".")[2] in examples[0]
    assert re.search(r"\bRaises\b", text)


def _source(value):
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_the_page_names_no_other_function_and_leaves_none_out():
    assert tuple(re.findall(r"^## (loocbench\.[\w.]+)$", PAGE, re.MULTILINE)) == PUBLIC
    assert [name for name in loocbench.__all__ if name != "__version__"] == [
        "evaluate",
        "load",
        "pretrain",
        "use_plugins",
    ]
    assert loocbench.solvers.__all__ == ["fit_logistic_path"]


def test_the_package_exports_the_functions_themselves():
    assert loocbench.evaluate is api.evaluate
    assert loocbench.load is api.load
    assert loocbench.pretrain is pretrain_job.pretrain
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        loocbench.evaluat  # noqa: B018  (the access is what is tested)


def test_solvers_export_nothing_else():
    assert callable(loocbench.solvers.fit_logistic_path)
    with pytest.raises(AttributeError, match="has no attribute 'fit_everything'"):
        loocbench.solvers.fit_everything  # noqa: B018  (the access is what is tested)


@pytest.mark.parametrize("module", ["loocbench", "loocbench.results", "loocbench.solvers"])
def test_importing_it_imports_nothing_heavy(module):
    code = f"import sys, {module}; print(sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_evaluate_measures_once_and_then_returns_the_stored_row(only_tiny_blooms, tmp_path):
    where = {"results": tmp_path / "results", "cache": tmp_path / "cache", "device": "cpu"}
    row = loocbench.evaluate("random:resnet8", "knn/blooms", **where)
    assert isinstance(row, Row)
    assert (row.task, row.features, row.metrics["top1"].n) == ("knn/blooms", "looc", len(row.items["top1"].values()))
    (stored,) = (tmp_path / "results" / "local").glob("*/*.json")
    assert store.read_row(stored) == row
    assert loocbench.evaluate("random:resnet8", "knn/blooms", **where) == row
    assert list(loocbench.results.load(tmp_path / "results").task.unique()) == ["knn/blooms"]


@pytest.mark.parametrize("setting", ["products in bfloat16", "autocast"])
def test_evaluate_computes_in_float32_whatever_the_calling_program_has_set(
    only_tiny_blooms, tmp_path, monkeypatch, setting
):
    seen, convolve = set(), torch.nn.functional.conv2d

    def see(*arguments):
        seen.add((torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu")))
        return convolve(*arguments)

    monkeypatch.setattr(torch.nn.functional, "conv2d", see)

    def measured(cache="cache"):
        row = loocbench.evaluate("random:resnet8", "knn/blooms", results=None, cache=tmp_path / cache, device="cpu")
        return row.metrics, row.items

    before, encoder = torch.get_float32_matmul_precision(), loocbench.load("random:resnet8")
    images = torch.rand(2, 3, encoder.preprocessing.image_size, encoder.preprocessing.image_size)
    features = encoder(images)
    try:
        if setting == "autocast":
            with torch.autocast("cpu", torch.bfloat16):
                assert torch.equal(encoder(images), features)
                found = measured()
        else:
            torch.set_float32_matmul_precision("medium")
            assert torch.equal(encoder(images), features)
            found = measured()
            assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert found == measured("another cache")
    assert seen == {("highest", False)}


def test_evaluate_without_a_store_writes_no_row(only_tiny_blooms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = loocbench.evaluate("random:resnet8", "knn/blooms", results=None, cache=tmp_path / "cache", device="cpu")
    assert row.metrics["top1"].n > 0
    assert list(tmp_path.rglob("*.json")) == []
