"""The native format: a round trip that loses nothing, and files that must not load.

Covers loocbench.checkpoints.card_file, too.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import loocbench
from loocbench.checkpoints import card_file, native
from loocbench.errors import UserError


def test_a_run_leaves_checkpoint_card_and_log(trained):
    folder = trained["looc++"].parent
    names = ["best.safetensors", "card.json", "checkpoint.safetensors", "final.safetensors", "log.jsonl", "run.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    card = card_file.read_card(trained["looc++"])
    assert json.loads((folder / "card.json").read_text()) == card.model_dump(mode="json")
    assert card.spaces == ("invariant", "color", "rotation")
    assert (card.dataset, card.split, card.images, card.epochs_done) == ("blooms", "train", 96, 1)
    (line,) = (folder / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["losses"].keys() == set(card.spaces)


def test_the_card_holds_the_hash_of_the_weights(trained):
    loaded = native.load(trained["looc"])
    assert loaded.card.weights == native.weights_hash(loaded.weights)


@pytest.mark.parametrize("keep", [0, 7, 100, 20_000])
def test_a_truncated_checkpoint_is_refused(trained, tmp_path, keep):
    path = tmp_path / "half.safetensors"
    path.write_bytes(trained["looc"].read_bytes()[:keep])
    with pytest.raises(UserError, match="truncated or not a safetensors file"):
        native.load(path)


def test_altered_weights_are_refused(trained, tmp_path):
    data = bytearray(trained["looc"].read_bytes())
    data[-5] ^= 1
    path = tmp_path / "altered.safetensors"
    path.write_bytes(data)
    with pytest.raises(UserError, match="altered after it was written"):
        native.load(path)


def test_a_safetensors_file_without_a_card_is_refused(tmp_path):
    save_file({"w": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(UserError, match="not a loocbench checkpoint"):
        native.load(tmp_path / "foreign.safetensors")


def test_a_pickle_is_never_opened(tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match="not a safetensors file"):
        native.load(tmp_path / "x.safetensors")


def test_a_full_disk_is_one_line_and_leaves_the_old_checkpoint(trained, tmp_path, monkeypatch):
    loaded = native.load(trained["looc"])
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"old")

    def write_bytes(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(UserError, match="the disk is full"):
            native.save(path, loaded.card, loaded.weights)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_loading_leaves_the_callers_random_numbers(trained):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    loocbench.load(trained["looc++"])
    assert torch.equal(torch.get_rng_state(), state)


def test_the_file_is_plain_safetensors(trained):
    with safe_open(trained["moco"], framework="pt") as file:
        assert "trunk.0.0.weight" in file.keys()  # noqa: SIM118
