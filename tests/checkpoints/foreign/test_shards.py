"""loocbench.checkpoints.foreign.shards: shards as huggingface_hub writes them, which transformers calls for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from loocbench.checkpoints.foreign import shards
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images

hub = pytest.importorskip("huggingface_hub")

INDEX = "model.safetensors.index.json"


def write_shards(state, folder: Path, *, safe: bool = True, size: str = "500kB") -> Path:
    folder.mkdir()
    hub.save_torch_state_dict(dict(state), folder, max_shard_size=size, safe_serialization=safe)
    return folder / (INDEX if safe else "pytorch_model.bin.index.json")


@pytest.fixture
def folder(weights, tmp_path):
    """A sound folder of three shards."""
    body = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    write_shards(body, tmp_path / "net")
    assert len(list((tmp_path / "net").glob("model-0000?-of-00003.safetensors"))) == 3
    return tmp_path / "net"


def rewrite(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content["weight_map"])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("named", ["folder", "index"])
@pytest.mark.parametrize("safe", [True, False])
def test_shards_are_one_network(source, tmp_path, safe, named):
    index = write_shards(source.state_dict(), tmp_path / "my net", safe=safe, size="20MB")
    found, checkpoint = import_file(index if named == "index" else index.parent)
    assert found.contents.format == f"{'safetensors' if safe else 'PyTorch (zip)'} in 3 shards"
    assert found.contents.bytes == sum(path.stat().st_size for path in index.parent.iterdir())
    assert (checkpoint.card.name, checkpoint.card.source.name) == ("my-net", "my net")
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


def test_the_hash_is_that_of_sha256sum_over_all_files(folder):
    found, _ = import_file(folder)
    names = sorted(path.name for path in folder.iterdir())
    assert found.contents.sha256 == shards.hash_names({name: sha256sum(folder / name) for name in names})


def sha256sum(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_links_to_shards_elsewhere_are_followed_as_in_the_hubs_cache(folder, tmp_path):
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for path in folder.iterdir():
        (snapshot / path.name).symlink_to(path)
    assert import_file(snapshot)[0].match.complete


def test_a_missing_shard(folder, refused):
    (folder / "model-00002-of-00003.safetensors").unlink()
    line = refused(folder)
    assert "lists 3 files, of which model-00002-of-00003.safetensors is missing; put them all into" in line


def test_an_index_that_names_another_shard(folder, refused):
    rewrite(folder / INDEX, lambda places: places.update({"conv1.0.weight": "model-00003-of-00003.safetensors"}))
    line = refused(folder)
    assert "says that model-00003-of-00003.safetensors holds conv1.0.weight, but model-00001" in line


def test_an_index_that_names_a_tensor_that_no_shard_has(folder, refused):
    rewrite(folder / INDEX, lambda places: places.update({"conv9.weight": "model-00001-of-00003.safetensors"}))
    assert "holds conv9.weight, but no other shard does; download index and shards of one version" in refused(folder)


def test_an_index_that_does_not_speak_of_a_tensor(folder, refused):
    rewrite(folder / INDEX, lambda places: places.pop("conv1.0.weight"))
    assert "holds conv1.0.weight, of which" in refused(folder)


def test_two_shards_with_one_tensor(folder, refused):
    last = folder / "model-00003-of-00003.safetensors"
    save_file({**load_file(last), "conv1.0.weight": torch.zeros(24, 3, 3, 3)}, last)
    line = refused(folder)
    assert "hold the tensor conv1.0.weight, model-00001-of-00003.safetensors and model-00003" in line


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "sub/../../x", "..", "a\\b", "a\0b", ""])
def test_a_member_outside_the_folder_is_refused(folder, refused, name):
    shutil.copy(folder / "model-00001-of-00003.safetensors", folder.parent / "model.safetensors")
    rewrite(folder / INDEX, lambda places: places.update({"conv1.0.weight": name}))
    assert "which is not a file in its folder: refused" in refused(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": 1}}', "[" * 100_000], ids=range(6)
)
def test_what_is_not_an_index(folder, refused, text):
    (folder / INDEX).write_text(text)
    assert "is not an index of shards (JSON with a weight_map from tensors to files)" in refused(folder)


def test_a_damaged_shard_is_named(folder, refused):
    shard = folder / "model-00002-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-9])
    assert "model-00002-of-00003.safetensors claims" in refused(folder)
