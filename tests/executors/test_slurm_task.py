"""The process on a node: which command it starts, and that it passes on the signal to save."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from loocbench.executors.slurm_task import Task, run_until_asked


def task(**more):
    return Task("loocbench", ("run", "small", "--job", "a"), Path("records"), "a", **more)


def test_one_process_is_started_as_it_is_and_several_by_torchrun():
    assert task().make_command(["node1"], 7) == [sys.executable, "-m", "loocbench", "run", "small", "--job", "a"]
    assert task(processes=2).make_command(["node1"], 7)[1:5] == [
        "-m",
        "torch.distributed.run",
        "--nproc-per-node=2",
        "--standalone",
    ]


def test_on_several_nodes_all_meet_on_the_first_at_a_port_of_their_job():
    command = task(processes=8, nodes=2).make_command(["node1", "node2"], 30007)
    assert command[3:8] == [
        "--nproc-per-node=4",
        "--nnodes=2",
        "--rdzv-backend=c10d",
        "--rdzv-id=30007",
        "--rdzv-endpoint=node1:30007",
    ]
    assert command[8:] == ["-m", "loocbench", "run", "small", "--job", "a"]


def test_the_code_of_the_process_is_returned():
    assert run_until_asked([sys.executable, "-c", "raise SystemExit(3)"], set()) == 3


def test_the_process_gets_sigterm_when_slurm_warns_and_does_not_die_of_the_warning():
    """Slurm sends SIGUSR2 to all processes of a job."""
    script = """
import os, signal, time
os.kill(os.getpid(), signal.SIGUSR2)
signal.signal(signal.SIGTERM, lambda *_: exit(7))
time.sleep(60)
"""
    asked: set[int] = set()
    threading.Timer(1.0, lambda: asked.add(signal.SIGUSR2)).start()
    began = time.monotonic()
    assert run_until_asked([sys.executable, "-c", script], asked) in (7, -signal.SIGTERM)
    assert time.monotonic() - began < 30


def test_it_starts_without_torch():
    """Each job has one of these beside its own process."""
    code = "import sys, loocbench.executors.slurm_task; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
