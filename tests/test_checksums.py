"""Checksums notice every single fault in every kind of file that is written and read back."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from loocbench import checksums, files
from loocbench.cache import feature_files, integrity
from loocbench.checkpoints import card_file, native
from loocbench.checkpoints.foreign import reading
from loocbench.data import damage, digests, preparing
from loocbench.errors import UserError
from loocbench.pretraining.loop import Run
from loocbench.records import store
from loocbench.runs import states
from loocbench.types import Items, Metric
from tests.conftest import Silent, tiny_recipe
from tests.faults import make_faults
from tests.records.rows import make_path, make_row


def test_json_is_compared_by_value_not_by_text():
    fields = {"b": [1.5, "é"], "a": {"x": None}}
    sealed = checksums.add_checksum(fields)
    assert checksums.take_checksum(json.loads(json.dumps(sealed, indent=3))) == (fields, True)
    assert checksums.take_checksum({**sealed, "b": [1.6, "é"]})[1] is False
    assert checksums.take_checksum(fields) == (fields, None)


@pytest.mark.parametrize("size", [0, 1, 1000, 2 * 4 * 2**20, 2 * 4 * 2**20 + 5])
def test_a_range_of_a_file_is_hashed_as_the_same_bytes_alone(tmp_path, size):
    content = np.random.default_rng(0).bytes(size)
    (tmp_path / "whole").write_bytes(content)
    (tmp_path / "changed").write_bytes(content[:-1] + b"?")
    whole = checksums.hash_bytes_of(tmp_path / "whole")
    assert whole == checksums.hash_bytes_of(tmp_path / "whole", 0, size)
    assert len(whole) == 8
    if size:
        assert whole != checksums.hash_bytes_of(tmp_path / "changed")


def test_a_file_without_room_for_a_checksum_cannot_be_sealed(tmp_path):
    (tmp_path / "a").write_bytes(save({"w": torch.zeros(3)}))
    assert not checksums.is_sealed(tmp_path / "a")
    with pytest.raises(ValueError, match="no place for a checksum"):
        checksums.seal_file(tmp_path / "a")


def features_file(tmp_path, dataset):
    path = tmp_path / "features.safetensors"
    feature_files.create_file(path)
    with feature_files.FeatureWriter(path, 50, lambda dims: {"dataset": "flowers", "spaces": dims}) as writer:
        writer.write(0, {"general": np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)})
    feature_files.publish_file(path, path)
    return path, lambda: feature_files.load_features(path)


def images_file(tmp_path, dataset):
    preparing.prepare(dataset, dataset.splits["test"], 12, cache=tmp_path, reporter=Silent())
    path = preparing.prepared_path(dataset, dataset.splits["test"], 12, tmp_path)

    def read():
        if not integrity.is_whole(path):
            raise files.damaged(path)

    return path, read


def damage_record(tmp_path, dataset):
    damage.without_damaged(dataset, cache=tmp_path, reporter=Silent())
    path = damage.record_path(dataset, dataset.splits["test"], tmp_path)
    return path, lambda: damage._read_record(path)


def digests_record(tmp_path, dataset):
    split = dataset.splits["test"]
    path = tmp_path / "digests.safetensors"
    digests.write_record(path, split, np.random.default_rng(0).integers(256, size=(len(split), 32), dtype=np.uint8))

    def read():
        if digests.read_record(path, len(split)) is None:  # the files are hashed anew then
            raise files.damaged(path)

    return path, read


def checkpoint_file(tmp_path, dataset):
    from loocbench.checkpoints import locate, untrained

    made = untrained.build_checkpoint("resnet8", 0, 16)
    path = tmp_path / card_file.FILE
    native.save(path, made.card, made.weights)
    return path, lambda: locate.load_file(path)


def state_file(tmp_path, dataset):
    images = preparing.prepare(dataset, dataset.splits["train"], 18, cache=tmp_path, reporter=Silent())
    run = Run(tiny_recipe("moco"), images, torch.device("cpu"))
    path = tmp_path / "state.safetensors"
    states.save(path, run, {"recipe": 1})
    return path, lambda: states.load(path, run, {"recipe": 1})


def row_file(tmp_path, dataset):
    right = np.arange(100) % 2 == 0
    row = make_row(
        metrics={"top1": Metric(value=0.5, low=0.4, high=0.6, n=100)},
        items={"top1": Items.of(right)},
        stated={"a": "b"},
    )
    path = make_path(tmp_path, "mine", row)
    store.write_row(path, row)

    def read():
        if isinstance(found := store.read_row(path), store.UnreadableRow):
            raise UserError(found.reason)
        return found

    return path, read


KINDS = [features_file, images_file, damage_record, digests_record, checkpoint_file, state_file, row_file]


@pytest.mark.parametrize("make", KINDS)
def test_sixty_single_faults_are_all_noticed(tmp_path, tiny_blooms, make):
    path, read = make(tmp_path, tiny_blooms)
    read()
    content = path.read_bytes()
    for damaged in make_faults(content, seed=18):
        path.write_bytes(damaged)
        with pytest.raises(UserError):
            read()
    path.write_bytes(content)
    read()


def test_a_flipped_bit_is_noticed_by_the_checksum_of_a_pth(tmp_path):
    """Of the bytes that its zip's CRC-32 covers: those of the members."""
    import zipfile

    path = tmp_path / "weights.pth"
    torch.save({"w": torch.arange(3000.0)}, path)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        member = next(one for one in archive.infolist() if one.filename.endswith("data/0"))
    begin = content.index(torch.arange(3000.0).numpy().tobytes())
    assert reading.read_tensors(path).tensors.keys() == {"w"}
    for place in np.random.default_rng(0).integers(member.file_size, size=20):
        damaged = bytearray(content)
        damaged[begin + place] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"data/0 is not that of its bytes"):
            reading.read_tensors(path)
