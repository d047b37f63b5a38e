"""A real Slurm of one node on this machine, for tests: controller, node and munge on free local ports, without
accounting, with two GPUs that are none. ``python -m tests.executors.slurm_cluster`` runs one until Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
_CONFIGURATION = """
ClusterName=loocbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=200000,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=10
MessageTimeout=5
GresTypes=gpu
NodeName=first NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=first Default=YES MaxTime=120 DefaultTime=60 PriorityTier=5 State=UP
PartitionName=low Nodes=first DefaultTime=60 PriorityTier=1 GraceTime=20 State=UP
"""


@dataclass
class Cluster:
    """A running Slurm below ``folder``."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Slurm's commands mean this one."""
        return os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self, name: str, *command: str) -> None:
        """Start one of the daemons."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [name, *command], stdout=log, stderr=log, env=self.environment, start_new_session=True
            )

    def start_controller(self) -> None:
        """Start the controller, which goes on with what it knew."""
        self.start("slurmctld", "-D")

    def stop(self, name: str) -> None:
        """End one of the daemons."""
        process = self.processes.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            process.kill()
            process.wait()

    def ask(self, *command: str) -> str:
        """Return what one of Slurm's commands prints."""
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60, check=True)
        return done.stdout.strip()

    def queue(self) -> dict[str, str]:
        """The state of each job in the queue, by its number."""
        printed = self.ask("squeue", "--noheader", "--array", "--format=%i|%T")
        return dict(line.split("|") for line in printed.splitlines())

    def clear(self) -> None:
        """Cancel all jobs, and wait until they are gone."""
        if queued := self.queue():
            self.ask("scancel", *queued)
        for _ in range(300):
            if not self.queue():
                return
            time.sleep(0.1)


def why_not() -> str:
    """Return why Slurm cannot be started here; empty if it can."""
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"no {missing[0]}: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "Slurm's daemons are started by root alone"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Context in which a Slurm runs. Raises RuntimeError with its messages if it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))  # a socket's path must be short
    folder.chmod(0o755)
    cluster = Cluster(folder)
    try:
        _configure(folder)
        socket_path = folder / "munge.socket"
        munged = ["--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={socket_path}"]
        munged += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
        cluster.start("munged", *munged)
        _wait_for(socket_path.exists)
        cluster.start_controller()
        cluster.start("slurmd", "-D", "-N", "first")
        if not _wait_for(lambda: _answers(cluster)):
            said = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.log")))
            raise RuntimeError(f"Slurm does not start: {said}")
        yield cluster
    finally:
        with suppress(subprocess.SubprocessError):
            cluster.clear()
        for name in ("slurmd", "slurmctld", "munged"):
            if name in cluster.processes:
                cluster.stop(name)
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> None:
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    text = _CONFIGURATION.format(
        folder=folder, host=socket.gethostname().split(".")[0], controller_port=ports[0], node_port=ports[1]
    )
    (folder / "slurm.conf").write_text(text)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    for number in range(2):  # the devices of GPUs: Slurm asks for character devices, these are /dev/null's
        os.mknod(folder / f"gpu{number}", 0o600 | 0o020000, os.makedev(1, 3))
    (folder / "gres.conf").write_text(f"NodeName=first Name=gpu File={folder}/gpu[0-1]\n")


def _answers(cluster: Cluster) -> bool:
    try:
        return cluster.ask("sinfo", "--noheader", "--partition=main", "--format=%t") == "idle" and not cluster.ask(
            "srun", "--immediate=5", "true"
        )
    except subprocess.SubprocessError:
        return False


def _wait_for(true: object, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running_cluster() as running:
        print(f"export SLURM_CONF={running.folder}/slurm.conf", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
