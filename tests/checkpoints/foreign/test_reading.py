"""loocbench.checkpoints.foreign.reading: which file or files of a folder are the checkpoint."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from loocbench.checkpoints import locate
from loocbench.checkpoints.foreign import reading
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import save_file_as


def test_a_folder_is_read_as_transformers_would_read_it(tmp_path):
    """The preferred name first, whatever lies beside it."""
    for number, name in enumerate(("pytorch_model.bin", "other.pth", "model.safetensors")):
        tensors = {"w": torch.full((2,), number)}
        if name.endswith(".safetensors"):
            save_file(tensors, tmp_path / name)
        else:
            torch.save(tensors, tmp_path / name)
    assert reading.read_tensors(tmp_path).tensors["w"].tolist() == [2, 2]


def test_the_only_file_of_weights_of_a_folder(tmp_path):
    torch.save({"w": torch.ones(1)}, tmp_path / "last.ckpt")
    (tmp_path / "args.json").write_text("{}")
    assert reading.read_tensors(tmp_path).path == tmp_path / "last.ckpt"


def test_a_folder_of_several_files_or_none_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UserError, match="is a folder without weights or an index; name the file of weights in it"):
        reading.read_tensors(tmp_path)
    for name in ("epoch1.pth", "epoch2.pth"):
        torch.save({"w": torch.ones(1)}, tmp_path / name)
    with pytest.raises(UserError, match=r"several files of weights \(epoch1.pth, epoch2.pth\); name the file"):
        reading.read_tensors(tmp_path)


def test_one_shard_alone_is_refused(tmp_path):
    save_file({"w": torch.ones(1)}, tmp_path / "model-00001-of-00003.safetensors")
    with pytest.raises(UserError, match=r"is one of 3 shards; name their index \(….index.json\) or their folder"):
        reading.read_tensors(tmp_path / "model-00001-of-00003.safetensors")


def test_every_command_takes_a_folder(weights, tmp_path):
    save_file_as(weights, tmp_path / "model.safetensors")
    assert locate.load(str(tmp_path)).card.architecture.name == "torchvision:shufflenet_v2_x0_5"
