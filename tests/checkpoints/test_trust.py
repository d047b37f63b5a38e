"""loocbench.checkpoints.trust: a card alone never runs code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import loocbench
from loocbench.checkpoints import locate, native
from loocbench.checkpoints.foreign import inspecting
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import (
    write_own_checkpoint,
)


def test_a_card_alone_never_runs_code(own_module, tmp_path, monkeypatch):
    """What one user confirmed by importing is refused to another who only has the file, until they name the code."""
    from loocbench.jobs import checkpoints as job

    write_own_checkpoint(tmp_path / "net.th", own_module)
    choice = inspecting.ImportOptions(arch=f"{own_module}:resnet20", name="mine")
    _, place, _ = job.import_checkpoint(str(tmp_path / "net.th"), choice, Path("runs"), overwrite=False)
    assert locate.load("mine").card.backbone == "python:cifar_resnets:resnet20"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "another user" / name)
    Path("cifar_resnets.py").write_text("raise SystemExit('code ran')")
    sys.modules.pop("cifar_resnets", None)
    with pytest.raises(UserError, match=r"wants to run cifar_resnets:resnet20 .* confirm it with"):
        loocbench.load("mine")
    with pytest.raises(UserError, match="confirm it with"):
        job.import_checkpoint(str(place), inspecting.ImportOptions(name="again"), Path("runs"), overwrite=False)
    job.import_checkpoint(
        str(place), inspecting.ImportOptions(arch=f"{own_module}:resnet20", name="again"), Path("runs"), overwrite=False
    )
    assert native.load(Path("runs/again/checkpoint.safetensors")).card.name == "again"
