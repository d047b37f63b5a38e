"""Extraction that is shared, cut off, and repeated: the file is one process's, whole, or not there."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from loocbench.cache import feature_files, layout
from loocbench.checkpoints import untrained
from loocbench.data import blooms, folders, preparing, streaming
from loocbench.errors import UserError
from loocbench.features import extraction, inference
from loocbench.features.encoder import Encoder
from loocbench.jobs.measurement import Measurement
from loocbench.ranks import Ranks
from loocbench.types import Split
from tests.conftest import Silent, picture


def encoder_with(device="cpu"):
    return Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16), device=device)


def extract(dataset, cache, ranks=None, split="test"):
    torch.set_num_threads(1)
    return extraction.extract(
        encoder_with(), dataset, dataset.splits[split], cache=cache, reporter=Silent(), ranks=ranks or Ranks()
    )


def bytes_of(cache):
    return {path.name: path.read_bytes() for path in sorted((cache / "features").glob("*.safetensors"))}


def left_over(cache):
    return [path for path in (cache / "features").iterdir() if path.suffix == layout.PART]


def _one_of_two(rank, folder, counts):
    """A process of two: in turn the splits of several sizes."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    for count, size in counts:
        inference.BATCH_SIZES["cpu"] = size
        extract(blooms.make_blooms({"test": count}), folder / f"two-{count}", Ranks(rank, 2))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_write_one_processs_file_bit_for_bit(tmp_path, monkeypatch):
    """7, 8 and 1,001 images; batches so small that both have some, whole ones and a shorter last one."""
    counts = [(7, 2), (8, 2), (1001, 32)]
    context = get_context("spawn")
    processes = [context.Process(target=_one_of_two, args=(rank, tmp_path, counts)) for rank in range(2)]
    for process in processes:
        process.start()
    for count, size in counts:
        monkeypatch.setitem(inference.BATCH_SIZES, "cpu", size)
        one = extract(blooms.make_blooms({"test": count}), tmp_path / f"one-{count}")
        assert one["general"].shape == (count, 64)
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    for count, _ in counts:
        one, two = bytes_of(tmp_path / f"one-{count}"), bytes_of(tmp_path / f"two-{count}")
        assert one == two
        (whole,) = one.values()
        assert {name: len(values) for name, values in load(whole).items()} == {"general": count, "invariant": count}
        assert not left_over(tmp_path / f"two-{count}")


@pytest.mark.slow
def test_a_process_may_have_nothing_to_do(tmp_path, monkeypatch):
    """Seven images are one batch; the other process takes none of them."""
    context = get_context("spawn")
    processes = [context.Process(target=_one_of_two, args=(rank, tmp_path, [(7, 32)])) for rank in range(2)]
    for process in processes:
        process.start()
    extract(blooms.make_blooms({"test": 7}), tmp_path / "one-7")
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert bytes_of(tmp_path / "one-7") == bytes_of(tmp_path / "two-7") != {}


def test_processes_without_a_common_cache_are_told(tiny_blooms, tmp_path):
    dataset = tiny_blooms
    arguments = encoder_with(), dataset, dataset.splits["test"], extraction.UNCHANGED, None, tmp_path, Silent()
    with pytest.raises(UserError, match="give all of them one --cache"):
        extraction._Extraction(*arguments, Ranks(1, 2)).write_share(tmp_path / "features" / "of another machine.part")


def _alone(folder, passes):
    real = inference.InferenceNetwork.__call__

    def counted(self, crops):
        with passes.get_lock():
            passes.value += len(crops)
        return real(self, crops)

    inference.InferenceNetwork.__call__ = counted
    extract(blooms.make_blooms({"test": 300}), folder)


@pytest.mark.slow
def test_two_commands_that_want_the_same_features_at_once(tmp_path):
    """One makes them, the other waits and finds them."""
    context = get_context("spawn")
    passes = context.Value("i", 0)
    processes = [context.Process(target=_alone, args=(tmp_path / "both", passes)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    extract(blooms.make_blooms({"test": 300}), tmp_path / "one")
    assert passes.value == 300
    assert bytes_of(tmp_path / "both") == bytes_of(tmp_path / "one")
    assert not left_over(tmp_path / "both")


@pytest.mark.slow
def test_kill_9_leaves_no_half_entry_that_is_taken_for_whole(tmp_path):
    code = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from loocbench.data import blooms
        from loocbench.cache import feature_files
        from tests.features.test_extraction import extract
        write = feature_files.FeatureWriter.write
        def killed(self, begin, every):
            write(self, begin, every)
            if begin:
                os.kill(os.getpid(), signal.SIGKILL)
        feature_files.FeatureWriter.write = killed
        extract(blooms.make_blooms({{"test": 100}}), Path({str(tmp_path / "cut")!r}))
        """
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(left_over(tmp_path / "cut")) == 1
    dataset = blooms.make_blooms({"test": 100})
    extract(dataset, tmp_path / "cut")
    extract(dataset, tmp_path / "one")
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "one")
    assert not left_over(tmp_path / "cut")


def test_a_failed_extraction_leaves_no_entry(tmp_path, monkeypatch):
    monkeypatch.setattr(
        inference.InferenceNetwork, "__call__", lambda self, crops: (_ for _ in ()).throw(RuntimeError("broken"))
    )
    with pytest.raises(RuntimeError, match="broken"):
        extract(blooms.make_blooms({"test": 10}), tmp_path)
    assert not bytes_of(tmp_path)
    assert not left_over(tmp_path)


def clearing(real):
    """``real(path)``, before whose first call another process clears the file away; and the files that went."""
    cleared = []

    def opened(path):
        if not cleared:
            cleared.append(path)
            path.unlink()
        return real(path)

    return opened, cleared


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


def test_images_that_are_cleared_away_before_they_are_opened_are_made_again(tiny_blooms, tmp_path, monkeypatch):
    opened, cleared = clearing(preparing.PreparedImages)
    monkeypatch.setattr(preparing, "PreparedImages", opened)
    split = tiny_blooms.splits["test"]
    assert len(preparing.prepare(tiny_blooms, split, 18, cache=tmp_path, reporter=Silent())) == 64
    assert len(cleared) == 1


def test_a_second_command_on_the_same_checkpoint_and_data_computes_nothing(tmp_path, monkeypatch, tiny_blooms):
    """Probe, retrieval and rotation ask for the same split: one pass, and one more for each other turn."""
    calls = []
    real = inference.InferenceNetwork.__call__
    monkeypatch.setattr(
        inference.InferenceNetwork, "__call__", lambda self, crops: calls.append(len(crops)) or real(self, crops)
    )

    def subject():  # each command loads the checkpoint anew
        return Measurement(None, encoder_with(), tiny_blooms, "looc", 0, tmp_path, Silent())

    probe = subject().features("test")
    assert sum(calls) == 64
    retrieval = subject()
    assert torch.equal(retrieval.features("test"), probe)
    assert retrieval.blocks("test").shape == (64, 64)
    assert sum(calls) == 64
    for degrees in (90, 180, 270):
        subject().features("test", change=extraction.Change("rotation", degrees))
    assert sum(calls) == 4 * 64
    for degrees in (90, 180, 270):
        subject().features("test", change=extraction.Change("rotation", degrees))
    assert sum(calls) == 4 * 64


@pytest.fixture
def pictures(tmp_path):
    """300 JPEG files as a data set of one split."""
    items = tuple(f"{number:03d}.jpg" for number in range(300))
    for number, item in enumerate(items):
        picture(tmp_path / "pictures" / item, (24, 20), number)
    split = Split("pictures", "test", items, {}, {})
    return folders.open_image_files("pictures", tmp_path / "pictures", {"test": split})


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


def test_decoding_stops_with_the_network_and_goes_on_later(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "_GROUP", 64)
    monkeypatch.setattr(folders, "count_cores", lambda: 1)
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


def test_a_damaged_image_is_told_by_name_and_nothing_stays(pictures, tmp_path):
    (tmp_path / "pictures" / "250.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(UserError, match=r"250\.jpg is damaged"):
        extract(pictures, tmp_path / "cache")
    assert not bytes_of(tmp_path / "cache")
    assert not list((tmp_path / "cache" / "images").iterdir())
