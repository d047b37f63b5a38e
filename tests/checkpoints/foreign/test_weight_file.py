"""Tensors are read; code is refused and not run.

Covers loocbench.checkpoints.foreign.weight_file and loocbench.checkpoints.foreign.pickle_allowlist.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from loocbench.checkpoints.foreign import weight_file
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
    save_file_as,
)


def test_a_safetensors_file_is_read_alike(source, tmp_path):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    found, checkpoint = import_file(tmp_path / "model.safetensors")
    assert found.contents.format == "safetensors"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


class Hostile:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


class HostileShell:
    def __reduce__(self):
        return os.system, ("touch was-run",)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain pickle"])
@pytest.mark.parametrize(("hostile", "wanted"), [(Hostile, "getattr"), (HostileShell, "posix.system")])
def test_a_hostile_pickle_is_refused_by_name_and_not_run(refused, tmp_path, form, hostile, wanted):
    path = tmp_path / "net.pth"
    content = {"state_dict": {"conv1.weight": torch.zeros(2)}, "epoch": hostile()}
    if form == "plain pickle":
        path.write_bytes(pickle.dumps({"epoch": hostile()}, protocol=2))
        line = refused(path)
        assert wanted in line or "truncated, or not a file of torch.save" in line or "pickle of another kind" in line
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
        line = refused(path)
        assert wanted in line
        assert "refused, nothing was run; docs/checkpoints.md says how to convert it in a sandbox" in line
    assert not Path("was-run").exists()


def test_a_whole_pickled_module_is_refused_by_its_class(refused, tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "net.pth")
    assert "asks for torch.nn.modules.linear.Linear, code that weights do not need" in refused(tmp_path / "net.pth")


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_file(weights, refused, tmp_path, form, keep):
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    if form == "legacy":
        torch.save(dict(weights), path, _use_new_zipfile_serialization=False)
    else:
        save_file_as(weights, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert "truncated" in refused(path)


def test_a_file_of_something_else_than_weights(refused, tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "net.pth")
    assert "holds a list, not weights by name" in refused(tmp_path / "net.pth")
    torch.save({"epoch": 3}, tmp_path / "net.pth")
    assert "holds no tensors" in refused(tmp_path / "net.pth")


def test_two_tensors_of_one_name(refused, tmp_path):
    torch.save({"a": {"b": torch.zeros(2)}, "a.b": torch.ones(2)}, tmp_path / "net.pth")
    assert "two tensors called a.b" in refused(tmp_path / "net.pth")


def test_a_mapping_that_holds_itself(refused, tmp_path):
    content = {"w": torch.zeros(2)}
    content["again"] = content
    torch.save(content, tmp_path / "net.pth")
    assert "holds mappings in mappings without end" in refused(tmp_path / "net.pth")


def test_a_small_file_of_mappings_that_unfolds_without_end(refused, tmp_path, monkeypatch):
    """20 ** 8 entries; the limit is lowered, since reaching it takes seconds."""
    monkeypatch.setattr(weight_file, "_ENTRIES", 50_000)
    content = {"w": torch.zeros(2)}
    for _ in range(8):
        content = {str(number): content for number in range(20)}
    torch.save(content, tmp_path / "net.pth")
    assert "holds mappings in mappings without end" in refused(tmp_path / "net.pth")
