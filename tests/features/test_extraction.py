"""Extraction: the encoder's features in the split's order, computed once; the file is whole, or not there."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image

import loocbench
from loocbench.cache import feature_files
from loocbench.data import blooms, preparing
from loocbench.errors import UserError
from loocbench.features import extraction, inference
from loocbench.features.inference import InferenceNetwork
from loocbench.jobs.measurement import Measurement
from loocbench.types import UNCHANGED, Change
from tests.conftest import Silent
from tests.features.extracting import bytes_of, clearing, encoder_with, extract, left_over


def extract_with(encoder, dataset, cache, change=UNCHANGED, rows=None, split="test"):
    return extraction.extract(
        encoder, dataset, dataset.splits[split], change=change, rows=rows, cache=cache, reporter=Silent()
    )


def test_extracted_features_are_the_encoders_in_the_splits_order(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc++"])
    features = extract_with(encoder, tiny_blooms, tmp_path)
    raw = [Image.fromarray(image) for image in tiny_blooms.read(tiny_blooms.splits["test"].items, 18)]
    expected = encoder(encoder.prepare(raw))
    parts = np.concatenate([features[part] for part in encoder.parse("looc++")], axis=1)
    torch.testing.assert_close(torch.from_numpy(parts), expected, rtol=1e-4, atol=1e-5)


def test_turned_features_are_those_of_the_turned_crops(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc"])
    raw = [Image.fromarray(image) for image in tiny_blooms.read(tiny_blooms.splits["test"].items, 18)]
    crops = encoder.prepare(raw)
    for turns in range(4):
        expected = encoder(torch.from_numpy(np.rot90(crops.numpy(), turns, (2, 3)).copy()), "looc")
        found = extract_with(encoder, tiny_blooms, tmp_path, Change("rotation", 90 * turns))["general"]
        torch.testing.assert_close(torch.from_numpy(np.array(found)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("change", [UNCHANGED, Change("hue", drawn=True, seed=4), Change("texture", 0.5, view=2)])
def test_some_rows_are_those_rows_of_all(trained, tiny_blooms, tmp_path, change):
    encoder, rows = loocbench.load(trained["looc"]), np.array([3, 8, 40])
    whole = extract_with(encoder, tiny_blooms, tmp_path, change)["general"]
    some = extract_with(encoder, tiny_blooms, tmp_path, change, rows)["general"]
    np.testing.assert_allclose(some, whole[rows], rtol=1e-4, atol=1e-5)


def test_a_second_extraction_costs_no_forward_pass(trained, tiny_blooms, tmp_path, monkeypatch):
    encoder = loocbench.load(trained["looc"])
    first = extract_with(encoder, tiny_blooms, tmp_path)
    monkeypatch.setattr(InferenceNetwork, "__call__", lambda self, crops: pytest.fail("a forward pass"))
    second = extract_with(encoder, tiny_blooms, tmp_path)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_what_is_part_of_a_cached_split_costs_no_forward_pass(trained, tiny_blooms, tmp_path, monkeypatch):
    """Rows of it, all rows by their numbers, and no turn at all."""
    encoder, rows = loocbench.load(trained["looc"]), np.array([3, 8, 40])
    whole = extract_with(encoder, tiny_blooms, tmp_path)["general"]
    monkeypatch.setattr(InferenceNetwork, "__call__", lambda self, images: pytest.fail("a forward pass"))
    assert np.array_equal(extract_with(encoder, tiny_blooms, tmp_path, rows=rows)["general"], whole[rows])
    assert np.array_equal(extract_with(encoder, tiny_blooms, tmp_path, rows=np.arange(64))["general"], whole)
    assert np.array_equal(extract_with(encoder, tiny_blooms, tmp_path, Change("rotation", 0))["general"], whole)


def test_features_that_are_not_finite_are_refused_and_not_kept(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc"])
    with torch.no_grad():
        next(encoder.network.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="NaN or infinity"):
        extract_with(encoder, tiny_blooms, tmp_path)
    assert not list((tmp_path / "features").glob("*.safetensors"))


def test_a_failed_extraction_leaves_no_entry(tmp_path, monkeypatch):
    monkeypatch.setattr(
        inference.InferenceNetwork, "__call__", lambda self, crops: (_ for _ in ()).throw(RuntimeError("broken"))
    )
    with pytest.raises(RuntimeError, match="broken"):
        extract(blooms.make_blooms({"test": 10}), tmp_path)
    assert not bytes_of(tmp_path)
    assert not left_over(tmp_path)


def test_features_that_are_cleared_away_before_they_are_opened_are_made_again(tiny_blooms, tmp_path, monkeypatch):
    first = extract(tiny_blooms, tmp_path)["general"]
    load, cleared = clearing(feature_files.load_features)
    monkeypatch.setattr(feature_files, "load_features", load)
    np.testing.assert_array_equal(extract(tiny_blooms, tmp_path)["general"], first)
    cleared.clear()
    rows = np.array([1, 5])  # of the whole split's file, which goes this moment
    found = extraction.extract(
        encoder_with(), tiny_blooms, tiny_blooms.splits["test"], rows=rows, cache=tmp_path, reporter=Silent()
    )
    np.testing.assert_allclose(found["general"], first[rows], rtol=1e-4, atol=1e-5)
    assert len(cleared) == 1


def test_a_second_command_on_the_same_checkpoint_and_data_computes_nothing(tmp_path, monkeypatch, tiny_blooms):
    """Probe, retrieval and rotation ask for the same split: one pass, and one more for each other turn."""
    calls = []
    real = inference.InferenceNetwork.__call__
    monkeypatch.setattr(
        inference.InferenceNetwork, "__call__", lambda self, crops: calls.append(len(crops)) or real(self, crops)
    )

    def open_measurement():  # each command loads the checkpoint anew
        return Measurement(None, encoder_with(), tiny_blooms, "looc", 0, tmp_path, Silent())

    probe = open_measurement().features("test")
    assert sum(calls) == 64
    retrieval = open_measurement()
    assert torch.equal(retrieval.features("test"), probe)
    assert retrieval.blocks("test").shape == (64, 64)
    assert sum(calls) == 64
    for degrees in (90, 180, 270):
        open_measurement().features("test", change=extraction.Change("rotation", degrees))
    assert sum(calls) == 4 * 64
    for degrees in (90, 180, 270):
        open_measurement().features("test", change=extraction.Change("rotation", degrees))
    assert sum(calls) == 4 * 64


def test_the_network_works_while_images_are_decoded(pictures, tmp_path, monkeypatch):
    """The decoder waits until the first features are there; without overlap nobody would ever make them."""
    computed = threading.Event()
    real_write, real_call = preparing._write_images, inference.InferenceNetwork.__call__

    def write(chunk, images):
        if pictures.splits["test"].items.index(chunk.items[0]) >= 128:
            assert computed.wait(60)
        real_write(chunk, images)

    def call(self, crops):
        every = real_call(self, crops)
        computed.set()
        return every

    monkeypatch.setattr(preparing, "_write_images", write)
    monkeypatch.setattr(inference.InferenceNetwork, "__call__", call)
    found = extract(pictures, tmp_path / "arriving")
    monkeypatch.undo()
    preparing.prepare(pictures, pictures.splits["test"], 18, cache=tmp_path / "before", reporter=Silent())
    extract(pictures, tmp_path / "before")
    assert bytes_of(tmp_path / "arriving") == bytes_of(tmp_path / "before")
    assert len(found["general"]) == 300


def test_a_damaged_image_is_told_by_name_and_nothing_stays(pictures, tmp_path):
    (tmp_path / "pictures" / "250.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(UserError, match=r"250\.jpg is damaged"):
        extract(pictures, tmp_path / "cache")
    assert not bytes_of(tmp_path / "cache")
    assert not list((tmp_path / "cache" / "images").iterdir())
