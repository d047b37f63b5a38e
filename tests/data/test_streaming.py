"""Images that are used while others are decoded."""

import os
import threading

import numpy as np
import pytest

from loocbench.data import parallel, preparing, streaming
from loocbench.errors import UserError
from tests.conftest import Silent


def test_decoding_stops_with_the_network_and_goes_on_later(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "_GROUP", 64)
    monkeypatch.setattr(parallel, "count_cores", lambda: 1)
    split, stop = pictures.splits["test"], threading.Event()
    real = preparing._write_images

    def write(chunk, images):
        if split.items.index(chunk.items[0]) >= 192:
            assert stop.wait(60)
        real(chunk, images)

    monkeypatch.setattr(preparing, "_write_images", write)
    with streaming.StreamingImages(pictures, split, 18, cache=tmp_path, reporter=Silent()) as images:
        first = np.array(images.first(150).image(149))
        images._stopping = True  # what the block's end does
        stop.set()
    assert len(list((tmp_path / "images").glob("*.progress"))) == 1
    assert not list((tmp_path / "images").glob("*.safetensors"))
    monkeypatch.setattr(preparing, "_write_images", real)
    said = []
    reporter = Silent()
    reporter.info = said.append
    whole = preparing.prepare(pictures, split, 18, cache=tmp_path, reporter=reporter)
    assert "going on at image" in said[0]
    np.testing.assert_array_equal(whole.image(149), first)


def test_what_goes_wrong_after_the_last_image_is_raised(pets, tmp_path, monkeypatch):
    """Files that changed while they were decoded were used."""
    real = preparing._Preparation._decode
    split = pets.splits["test"]

    def decode(*arguments):
        found = real(*arguments)
        os.utime(pets.files.folder / split.items[0])
        return found

    monkeypatch.setattr(preparing._Preparation, "_decode", decode)
    with (
        pytest.raises(UserError, match="changed while they were read"),
        streaming.StreamingImages(pets, split, 18, cache=tmp_path, reporter=Silent()) as images,
    ):
        images.first(len(split))
