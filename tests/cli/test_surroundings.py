"""Bad surroundings: full and read-only disks, Ctrl-C, kill -9. One line, exit code 2, nothing half-written."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

import loocbench as loocbench_package
from loocbench.data.blooms import make_blooms
from loocbench.data.entries import ENTRIES
from tests.cli.conftest import QUICK, files_below


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EROFS, "the file system is read-only; choose another folder"),
        (errno.EACCES, "choose a folder that you may write to"),
    ],
)
@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_full_or_read_only_results_folder_is_found_before_the_work(one_line, tmp_path, monkeypatch, fault, remedy):
    """Simulated at the system call, since the superuser may write anywhere."""
    real = os.fsync

    def fsync(handle):
        if "/results" in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(fault, os.strerror(fault))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("loocbench.features.extraction.extract", lambda *_, **__: pytest.fail("the work was begun"))
    assert remedy in one_line("probe", "--checkpoint", "random:resnet8")
    assert not files_below(tmp_path / "results")


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_disk_that_fills_up_while_the_row_is_written_leaves_no_half_row(one_line, tmp_path, monkeypatch):
    def write_text(self, text, encoding=None):
        with self.open("w") as file:
            file.write(text[: len(text) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_text)
    assert "the disk is full" in one_line("probe", "--checkpoint", "random:resnet8")
    assert not files_below(tmp_path / "results")


def test_a_file_where_the_results_folder_should_be(one_line, tmp_path):
    (tmp_path / "results").write_text("mine")
    assert "choose another folder" in one_line("probe", "--checkpoint", "random:resnet8")
    assert (tmp_path / "results").read_text() == "mine"


@pytest.mark.parametrize("epochs_before", [0, 2])
def test_ctrl_c_during_pretraining(one_line, tmp_path, monkeypatch, epochs_before):
    tiny = replace(ENTRIES["blooms"], generate=lambda: make_blooms({"train": 16, "val": 8, "test": 8}))
    monkeypatch.setitem(ENTRIES, "blooms", tiny)
    from loocbench.pretraining.loop import Run

    real = Run._step

    def step(self, batch):
        if self.position.epoch == epochs_before:
            raise KeyboardInterrupt
        return real(self, batch)

    monkeypatch.setattr(Run, "_step", step)
    line = one_line("pretrain", *QUICK, "--epochs", "5", "--name", "mine", code=130)
    folder = tmp_path / "runs" / "mine"
    if epochs_before:
        assert "keeps its last state. Go on with: loocbench pretrain --resume mine" in line
        names = {"checkpoint.safetensors", "card.json", "run.json", "log.jsonl", "state-000000002.safetensors"}
        assert {path.name for path in folder.iterdir()} == {*names, "state-000000004.safetensors"}
    else:
        assert "nothing was kept" in line
        assert not folder.exists()


@pytest.mark.slow
def test_a_real_sigint_ends_a_real_process_in_one_line(tmp_path):
    """Interrupted somewhere in the middle, as by Ctrl-C; the checkpoint that is left loads."""
    command = [sys.executable, "-m", "loocbench", "pretrain", "--epochs", "500", "--name", "mine", *QUICK[2:]]
    command += ["--limit", "200"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        while not list(tmp_path.glob("runs/mine/state-*.safetensors")):  # until an epoch has ended
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "stopped by SIGINT at epoch" in err
    assert "loocbench pretrain --resume mine" in err
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.part"))
    assert loocbench_package.load(str(tmp_path / "runs" / "mine")).spaces


def test_kill_9_while_a_checkpoint_is_written_leaves_the_last_one(trained, tmp_path):
    """The new bytes go to a temporary file; only a rename touches the checkpoint."""
    target = tmp_path / "checkpoint.safetensors"
    target.write_bytes(trained["looc"].read_bytes())
    code = textwrap.dedent(
        f"""
        import os, signal, pathlib
        from loocbench import files
        with files.writing(pathlib.Path({str(target)!r})) as part:
            part.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert target.read_bytes() == trained["looc"].read_bytes()
