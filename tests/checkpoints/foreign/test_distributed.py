"""Folders that torch.distributed.checkpoint writes.

Covers loocbench.checkpoints.foreign.distributed and loocbench.checkpoints.foreign.distributed_index.
"""

from __future__ import annotations

import pickle
import shutil
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint as dcp
import torchvision
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, Metadata, MetadataIndex

from loocbench.checkpoints.foreign import reading
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images

PIECE = "__0_0.distcp"


def write(content, folder: Path) -> Path:
    with warnings.catch_warnings():  # it says that this is one process
        warnings.simplefilter("ignore")
        dcp.save(content, checkpoint_id=folder, no_dist=True)
    return folder


@pytest.fixture(scope="module")
def saved(weights, tmp_path_factory):
    """Model and optimiser of a run, as a training script saves them: some three hundred tensors each, written once."""
    optimiser = {"state": {name: {"exp_avg": torch.zeros_like(tensor)} for name, tensor in weights.items()}}
    content = {"model": dict(weights), "optimizer": optimiser, "epoch": 3}
    return write(content, tmp_path_factory.mktemp("saved") / "net")


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of it, to change."""
    return Path(shutil.copytree(saved, tmp_path / "net"))


def read_index(folder: Path) -> Metadata:
    return pickle.loads((folder / ".metadata").read_bytes())


def write_index(folder: Path, index) -> None:
    (folder / ".metadata").write_bytes(pickle.dumps(index))


@pytest.mark.parametrize("named", ["folder", "index"])
def test_a_folder_is_one_network_without_its_optimiser(weights, folder, named):
    net = torchvision.models.shufflenet_v2_x0_5()
    net.load_state_dict(weights)
    net.fc = torch.nn.Identity()
    found, checkpoint = import_file(folder if named == "folder" else folder / ".metadata")
    assert found.contents.format == "torch.distributed.checkpoint, 1 file"
    assert found.left_out["training state"] == len(weights)
    assert checkpoint.card.name == "net"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], net.eval()(random_images()))


def test_types_and_scalars_are_kept(tmp_path):
    state = {"a": torch.randn(3, 2).bfloat16(), "b": {"c": torch.tensor(7)}, "empty": torch.zeros(0, 4)}
    found = reading.read_tensors(write(state, tmp_path / "x")).tensors
    assert found.keys() == {"a", "b.c", "empty"}
    assert torch.equal(found["a"], state["a"])
    assert found["b.c"].item() == 7


SHARDED = """
import sys, torch, torch.distributed as dist, torch.distributed.checkpoint as dcp
from torch.distributed.tensor import DeviceMesh, Shard, distribute_tensor
rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method="file://" + folder + ".store", rank=rank, world_size=2)
mesh, whole = DeviceMesh("cpu", [0, 1]), torch.arange(35.0).reshape(7, 5)
rows, columns = (distribute_tensor(whole, mesh, [Shard(axis)]) for axis in (0, 1))
dcp.save({"rows": rows, "columns": columns, "both": whole}, checkpoint_id=folder)
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_pieces_of_two_processes_are_joined(tmp_path):
    """DTensors, as FSDP2 has them, of which each process writes its own part; seven rows are not divided evenly."""
    import subprocess
    import sys

    script = tmp_path / "save.py"
    script.write_text(SHARDED)
    started = [subprocess.Popen([sys.executable, script, str(rank), str(tmp_path / "net")]) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    contents = reading.read_tensors(tmp_path / "net")
    assert contents.format == "torch.distributed.checkpoint, 2 files"
    for name in ("rows", "columns", "both"):
        assert torch.equal(contents.tensors[name], torch.arange(35.0).reshape(7, 5))


def test_pieces_are_joined_at_their_places(folder):
    """The index says that a tensor is two pieces; here each is saved under a name of its own."""
    whole = torch.arange(12.0).reshape(4, 3)
    write({"up": whole[:1].clone(), "down": whole[1:].clone()}, folder)
    index = join_in_index(read_index(folder), whole.shape)
    write_index(folder, index)
    assert torch.equal(reading.read_tensors(folder).tensors["up"], whole)


def join_in_index(index: Metadata, shape: torch.Size, start: int = 1) -> Metadata:
    """Make "down" the rows of "up" from ``start``."""
    entries, places = index.state_dict_metadata, index.storage_data
    entries["up"].size = shape
    entries["up"].chunks.append(ChunkStorageMetadata(torch.Size((start, 0)), entries.pop("down").size))
    (key,) = [key for key in places if key.fqn == "down"]
    places[MetadataIndex("up", (start, 0))] = places.pop(key)
    return index


@pytest.mark.parametrize(("shape", "start"), [((5, 3), 2), ((5, 3), 3), ((4, 3), 1), ((3, 3), 1)])
def test_pieces_that_overlap_or_leave_gaps(folder, refused, shape, start):
    write({"up": torch.zeros(2, 3), "down": torch.zeros(2, 3)}, folder)
    write_index(folder, join_in_index(read_index(folder), torch.Size(shape), start))
    assert "the pieces of up in" in refused(folder)


def test_a_missing_file(folder, refused):
    (folder / PIECE).unlink()
    assert f"lists 1 files, of which {PIECE} is missing; put them all into" in refused(folder)


def test_a_truncated_file(folder, refused):
    whole = (folder / PIECE).read_bytes()
    (folder / PIECE).write_bytes(whole[: len(whole) // 2])
    assert "truncated, or of another checkpoint; copy it anew" in refused(folder)


def test_a_damaged_file(folder, refused):
    whole = bytearray((folder / PIECE).read_bytes())
    place = next(place for key, place in read_index(folder).storage_data.items() if key.fqn == "model.conv1.0.weight")
    whole[place.offset + place.length // 2] ^= 255
    (folder / PIECE).write_bytes(whole)
    assert "is damaged (the checksum of" in refused(folder)


def test_an_index_without_a_tensors_place(folder, refused):
    index = read_index(folder)
    index.storage_data = {key: place for key, place in index.storage_data.items() if key.fqn != "model.conv1.0.weight"}
    write_index(folder, index)
    assert "does not say where model.conv1.0.weight lies" in refused(folder)


def test_an_index_that_says_another_shape_or_place(folder, refused):
    index = read_index(folder)
    places = {key.fqn: place for key, place in index.storage_data.items()}
    places["model.conv1.0.weight"].offset = places["model.conv1.1.weight"].offset
    places["model.conv1.0.weight"].length = places["model.conv1.1.weight"].length
    write_index(folder, index)
    assert f"{PIECE} holds [24] where its .metadata says [24, 3, 3, 3]" in refused(folder)
    places["model.conv1.0.weight"].offset += 1
    write_index(folder, index)
    assert "does not hold files of torch.save, or elsewhere than its .metadata says" in refused(folder)


def test_a_tensor_that_is_listed_twice(folder, refused, monkeypatch):
    monkeypatch.setattr(MetadataIndex, "__eq__", object.__eq__)  # else a dict of Python's would drop the second
    monkeypatch.setattr(MetadataIndex, "__hash__", object.__hash__)
    index = read_index(folder)
    key, place = next(item for item in index.storage_data.items() if item[0].fqn == "model.conv1.0.weight")
    index.storage_data[MetadataIndex(key.fqn, key.offset, index=3)] = place
    write_index(folder, index)
    assert "lists the tensor model.conv1.0.weight twice at [0, 0, 0, 0]" in refused(folder)


@pytest.mark.parametrize("name", ["../net.distcp", "/etc/passwd"])
def test_a_member_outside_the_folder_is_refused(folder, refused, name):
    index = read_index(folder)
    for place in index.storage_data.values():
        place.relative_path = name
    write_index(folder, index)
    assert "which is not a file in its folder: refused" in refused(folder)


def test_compressed_pieces_are_refused(folder, refused):
    index = read_index(folder)
    for place in index.storage_data.values():
        place.transform_descriptors = ["zstd"]
    write_index(folder, index)
    assert "is compressed or encrypted (zstd)" in refused(folder)


class Hostile:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


def test_code_in_the_index_is_refused_and_not_run(folder, refused):
    index = read_index(folder)
    index.planner_data = Hostile()
    write_index(folder, index)
    assert "asks for pathlib.Path.touch, code that an index does not need: refused, nothing was run" in refused(folder)
    assert not Path("was-run").exists()


def test_code_in_a_piece_is_refused_and_not_run(folder, refused):
    import io

    hostile = io.BytesIO()
    torch.save({"w": Hostile()}, hostile)
    (folder / PIECE).write_bytes(hostile.getvalue())
    index = read_index(folder)
    for place in index.storage_data.values():
        place.offset, place.length = 0, len(hostile.getvalue())
    write_index(folder, index)
    assert "code that weights do not need: refused, nothing was run" in refused(folder)
    assert not Path("was-run").exists()


@pytest.mark.parametrize("content", [[], {}, {"state_dict_metadata": 3}, Metadata({}), 7])
def test_another_pickle_in_place_of_the_index(folder, refused, content):
    write_index(folder, content)
    line = refused(folder)
    assert "is not an index of torch.distributed.checkpoint" in line or "holds no tensors of a model" in line
