"""``loocbench bench``: every stage on made photographs or a data set, what limits, and a remedy.

Covers loocbench.cli.bench, loocbench.jobs.bench and loocbench.jobs.bench_stages.
"""

import json

import pytest

from loocbench.cli import bench as command
from loocbench.jobs.bench import BenchResult, Stage

IMAGES = 10
STAGES = ["read", "decode", "crops", "views", "forward, plain", "forward, fast", "write"]


def bench(loocbench, *options):
    return loocbench("bench", "--checkpoint", "random:resnet8", "--images", str(IMAGES), "--device", "cpu", *options)


def test_every_stage_is_measured_on_made_photographs(loocbench, tmp_path):
    found = json.loads(bench(loocbench, "--json", "--cache", "mine").out)
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert all(stage["images_per_second"] > 0 for stage in found["stages"])
    assert sum(stage["share"] for stage in found["stages"]) == pytest.approx(1)
    rates = {stage["name"]: stage["images_per_second"] for stage in found["stages"]}
    assert found["cold"] < min(rates["decode"], rates["forward, fast"])
    assert found["cold"] < found["warm"]
    assert (found["images"], found["device"]) == (IMAGES, "cpu")
    assert rates[found["limits"]] == min(rate for name, rate in rates.items() if name not in ("views", STAGES[4]))
    assert not list((tmp_path / "mine").iterdir())  # what it wrote is gone


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_data_set_without_files_has_nothing_to_read(loocbench):
    said = bench(loocbench, "--dataset", "blooms")
    assert "│ read" not in said.out
    assert "forward, fast" in said.out
    assert "first extraction" in said.out
    assert "limits" in said.out


def test_what_limits_decides_the_remedy(loocbench, monkeypatch):
    from loocbench.jobs import bench as job

    rates = {"read": 900.0, "decode": 10.0, "crops": 900.0, "views": 1.0, "forward, plain": 1.0}
    rates |= {"forward, fast": 40.0, "write": 900.0}

    monkeypatch.setattr(job, "_measure_stages", lambda *_: rates)
    found = json.loads(bench(loocbench, "--json").out)
    assert found["limits"] == "decode"
    assert "done once per data set" in found["remedy"]
    assert found["warm"] == pytest.approx(1 / (1 / 900 + 1 / 40 + 1 / 900))
    assert found["cold"] == pytest.approx(1 / (1 / 10 + 1 / 900 + 1 / 40 + 1 / 900))


@pytest.mark.parametrize(("load", "told"), [(0.2, False), (3.04, True)])
def test_other_work_on_the_machine_is_told(capsys, load, told):
    stages = (Stage("read", 2000.0, 0.1), Stage("views", 50.0))
    result = BenchResult(stages, 40, 32, "float32, joined 1", 10.0, 30.0, "read", "reading files limits: …", load)
    command._print_result(result)
    out = capsys.readouterr().out
    assert ("The machine was busy (load 3.0)" in out) is told
    assert "│ read  │  2,000.0 │" in out
    assert "Reading files limits: …" in out
