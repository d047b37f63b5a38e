"""Fixtures of checkpoint tests: the command line, a user's own module, a stand-in for the hub."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.checkpoints.hub_server import Repository, serving
from tests.cli.conftest import loocbench, one_line  # noqa: F401  # fixtures

DOCS = Path(__file__).parents[2] / "docs" / "checkpoints.md"


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """The documented example, saved in the current folder as the page says."""
    page = DOCS.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import torch\n.*?)```", page, re.DOTALL)
    (tmp_path / "cifar_resnets.py").write_text(code)
    monkeypatch.delitem(sys.modules, "cifar_resnets", raising=False)
    yield "cifar_resnets"
    sys.modules.pop("cifar_resnets", None)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """An empty repository; huggingface_hub speaks to the stand-in and keeps its files in a folder of the test's."""
    pytest.importorskip("huggingface_hub")
    one = Repository("me/birds")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with serving(one) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield one


@pytest.fixture
def cli():
    from typer.testing import CliRunner

    from loocbench.cli import app

    def call(*arguments) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return call
