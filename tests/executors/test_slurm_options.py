"""What sbatch is asked for, from a job's needs and the site's file."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from loocbench.executors.job import Needs
from loocbench.executors.site import SlurmSite
from loocbench.executors.slurm_options import limit_minutes, make_parameters, make_python, make_setup


def parameters(needs=None, site=None, minutes=60, dependency=""):
    return make_parameters(needs or Needs(), site or SlurmSite(), minutes, name="suite", dependency=dependency)


@pytest.mark.parametrize(
    ("needed", "allowed", "default", "limit"),
    [
        (90, 60, 30, 60),
        (50, 60, 30, 50),
        (None, 60, 30, 60),
        (0.5, None, 30, 1),
        (None, None, 30, 30),
        (None, None, 0, 0),
    ],
)
def test_the_time_limit_is_what_is_needed_up_to_what_the_site_allows(needed, allowed, default, limit):
    assert limit_minutes(Needs(minutes=needed), SlurmSite(minutes=allowed), default) == limit


def test_needs_become_options():
    asked = parameters(Needs(gpus=2, processes=2, cores=8, memory_gib=1.5))
    assert (asked["nodes"], asked["ntasks_per_node"], asked["cpus_per_task"]) == (1, 1, 8)
    assert (asked["mem"], asked["gpus_per_node"], asked["time"]) == ("1536M", 2, 60)
    assert "--cpus-per-task=8" in asked["srun_args"]
    assert "dependency" not in asked


def test_what_several_nodes_need_together_is_asked_of_each():
    asked = parameters(Needs(nodes=2, gpus=4, processes=4, cores=7, memory_gib=9))
    assert (asked["nodes"], asked["gpus_per_node"], asked["cpus_per_task"], asked["mem"]) == (2, 2, 4, "4608M")


def test_a_share_of_a_gpu_asks_for_one_and_no_gpu_for_none():
    assert parameters(Needs(gpus=0.25))["gpus_per_node"] == 1
    assert "gpus_per_node" not in parameters(Needs())
    named = parameters(Needs(gpus=2), SlurmSite(gres="gpu:a100"))
    assert named["gres"] == "gpu:a100:2"
    assert "gpus_per_node" not in named


def test_the_signal_leaves_at_least_half_of_the_time():
    assert parameters(minutes=60)["signal_delay_s"] == 90
    assert parameters(minutes=1)["signal_delay_s"] == 30
    assert parameters(minutes=0)["signal_delay_s"] == 90


def test_the_sites_wishes_are_passed_on():
    site = SlurmSite(
        partition="gpu", account="vision", qos="long", container="torch.sqsh", srun=("--container-mounts=/data",),
        sbatch=("--constraint=a100|h100", "--exclusive"),
    )  # fmt: skip
    asked = parameters(site=site, dependency="afterok:5")
    assert (asked["partition"], asked["account"], asked["qos"]) == ("gpu", "vision", "long")
    assert asked["srun_args"][-2:] == ["--container-image=torch.sqsh", "--container-mounts=/data"]
    more = asked["additional_parameters"]
    assert (more["constraint"], more["exclusive"]) == ("a100|h100", True)
    assert (asked["dependency"], more["kill-on-invalid-dep"], more["requeue"]) == ("afterok:5", "yes", True)


def test_submitit_takes_all_of_them_and_writes_no_key_of_its_own(tmp_path):
    script = pytest.importorskip("submitit.slurm.slurm")._make_sbatch_string(
        command="true", folder=tmp_path, setup=["set -e"], **parameters(Needs(gpus=1), dependency="aftercorr:5")
    )
    assert "wckey" not in script
    assert "#SBATCH --dependency=aftercorr:5" in script
    assert "#SBATCH --kill-on-invalid-dep=yes" in script
    assert "#SBATCH --requeue\n" in script


@pytest.mark.parametrize("index", [None, 1])
def test_a_job_prints_to_its_own_log_whatever_its_index(tmp_path, index):
    """Also what the setup and the shell itself print; the place of a folder may have blanks."""
    logs = [tmp_path / "a job" / "log", tmp_path / "another" / "log"][: 1 if index is None else 2]
    for log in logs:
        log.parent.mkdir()
    site = SlurmSite(modules=("cuda/12",), setup=("echo from the setup",), python=sys.executable)
    lines = ["module() { echo module $@; }", *make_setup(site, logs)]
    lines.append(f"{make_python(site)} -c 'print(\"from the job\")'")
    lines.append(make_python(SlurmSite(python="/no/such/python")))
    found = {} if index is None else {"SLURM_ARRAY_TASK_ID": str(index)}
    done = subprocess.run(["bash", "-c", "\n".join(lines)], env=found, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    printed = logs[index or 0].read_text()
    assert printed.startswith("module load cuda/12\nfrom the setup\nfrom the job\n")
    assert "/no/such/python" in printed
    assert not [log for log in logs if log.exists() and log != logs[index or 0]]


def test_the_interpreter_is_this_one_unless_the_site_names_another():
    assert shlex.split(make_python(SlurmSite()))[-1] == sys.executable
    assert shlex.split(make_python(SlurmSite(python="/opt/a b/python")))[-1] == str(Path("/opt/a b/python"))
