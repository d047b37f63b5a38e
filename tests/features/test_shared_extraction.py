"""loocbench.features.extraction in several processes: they share the work, wait for each other, or are killed."""

import os
import signal
import subprocess
import sys
import textwrap
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load

from loocbench.data import blooms
from loocbench.errors import UserError
from loocbench.features import extraction, inference
from loocbench.ranks import Ranks
from tests.conftest import Silent
from tests.features.extracting import bytes_of, encoder_with, extract, left_over


def _start(target, *arguments):
    """Start processes, one for each tuple of arguments, from one that has imported everything."""
    context = get_context("forkserver" if hasattr(os, "fork") else "spawn")
    context.set_forkserver_preload(["tests.features.test_shared_extraction"])
    processes = [context.Process(target=target, args=given) for given in arguments]
    for process in processes:
        process.start()
    return processes


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
    processes = _start(_one_of_two, *((rank, tmp_path, counts) for rank in range(2)))
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
    processes = _start(_one_of_two, *((rank, tmp_path, [(7, 32)]) for rank in range(2)))
    extract(blooms.make_blooms({"test": 7}), tmp_path / "one-7")
    for process in processes:
        process.join(120)
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
    passes = get_context("forkserver" if hasattr(os, "fork") else "spawn").Value("i", 0)
    processes = _start(_alone, *((tmp_path / "both", passes) for _ in range(2)))
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
        from tests.features.extracting import extract
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
