"""Bad input: one clear line that names the remedy, exit code 2, nothing half-written.

Covers ``loocbench.cli.guard`` and ``loocbench.cli.console``.
"""

import json
import os
import subprocess
import sys

import pytest
from filelock import FileLock

from tests.cli.conftest import QUICK, QUICKER, files_below
from tests.conftest import make_cub, picture


def test_no_checkpoint_yet(one_line):
    assert "make one with 'loocbench pretrain'" in one_line("probe")


@pytest.mark.parametrize("command", ["probe", "rotation", "retrieve"])
def test_an_unknown_data_set(one_line, command):
    line = one_line(command, "--dataset", "flowers-102", "--checkpoint", "random:resnet8")
    assert "Did you mean 'flowers102'" in line


def test_an_unknown_data_set_for_pretraining(one_line, tmp_path):
    assert "'loocbench datasets ls' lists them" in one_line("pretrain", "--dataset", "imagenot")
    assert not files_below(tmp_path)


def test_an_unknown_label(one_line):
    line = one_line("probe", "--label", "colour", "--checkpoint", "random:resnet8")
    assert "Did you mean 'color'" in line


def test_unknown_features_list_what_this_checkpoint_offers(one_line, trained):
    line = one_line("probe", "--features", "head:colour", "--checkpoint", trained["looc++"])
    assert "Did you mean 'head:color'? Available: looc++, head:invariant, head:color, head:rotation." in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "mocco"], "Did you mean 'moco'"),
        (["--backbone", "resnet9"], "unknown backbone"),
        (["--schedule", "cosin"], "Did you mean 'cosine'"),
        (["--augment", "colour"], "Did you mean 'color'"),
        (["--method", "moco", "--leave-out", "color"], "no leave-one-out spaces"),
        (["--augment", "color", "--leave-out", "rotation"], "add it with --augment"),
        (["--learning-rate", "-1"], "bad value for learning_rate"),
        (["--temperature", "0"], "bad value for temperature"),
        (["--batch-size", "5000"], "do not fill one batch; use --batch-size 3000 or less"),
        (["--device", "tpu9"], "use auto, cpu or cuda"),
        (["--device", "meta"], "use auto, cpu or cuda"),
        (["--name", "a/b"], "cannot name a run"),
        (["--device", "cuda:99"], "use --device cpu"),
    ],
)
def test_a_recipe_that_cannot_be(one_line, tmp_path, arguments, message, monkeypatch):
    monkeypatch.setattr("loocbench.data.blooms_render.render_blooms", lambda drawn, size: _blank(drawn, size))
    assert message in one_line("pretrain", *QUICK, *arguments)
    assert not files_below(tmp_path / "runs")


def _blank(drawn, size):
    import numpy as np

    return np.zeros((len(drawn.color), size, size, 3), dtype=np.uint8)


def test_a_folder_that_is_not_what_it_should_be(one_line, tmp_path):
    (tmp_path / "CUB_200_2011").mkdir()
    line = one_line("probe", "--dataset", "cub200", "--data-dir", tmp_path, "--checkpoint", "random:resnet8")
    assert "is" in line
    assert "the folder that the archive unpacks to?" in line


def test_a_truncated_checkpoint(one_line, trained, tmp_path):
    half = tmp_path / "half.safetensors"
    half.write_bytes(trained["looc"].read_bytes()[:5000])
    assert "truncated" in one_line("probe", "--checkpoint", half)


def test_a_truncated_image(one_line, tmp_path):
    data = make_cub(tmp_path / "data")
    victim = sorted((data / "CUB_200_2011" / "images").rglob("*.jpg"))[5]
    victim.write_bytes(victim.read_bytes()[:300])
    line = one_line("probe", "--dataset", "cub200", "--data-dir", data, "--checkpoint", "random:resnet8")
    assert f"{victim.name} is damaged" in line
    assert not list((tmp_path / "results").rglob("*.json"))


def test_a_run_that_exists_is_not_overwritten_unasked(one_line, loocbench, tmp_path, only_tiny_blooms):
    assert loocbench("pretrain", *QUICKER, "--name", "mine").code == 0
    before = (tmp_path / "runs" / "mine" / "checkpoint.safetensors").read_bytes()
    assert "resume it with --resume, replace it with --overwrite, or choose another --name" in one_line(
        "pretrain", *QUICKER, "--name", "mine"
    )
    assert (tmp_path / "runs" / "mine" / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize("suite", ["../escaped", "a/b", ""])
def test_a_suite_that_is_no_name(one_line, suite):
    assert "cannot name a suite" in one_line("probe", "--checkpoint", "random:resnet8", "--suite", suite)


def test_a_run_that_another_process_is_writing(one_line, tmp_path, only_tiny_blooms):
    (tmp_path / "runs").mkdir()
    with FileLock(tmp_path / "runs" / ".mine.lock"):
        assert "another process is writing" in one_line("pretrain", *QUICK, "--name", "mine")


def test_a_row_of_other_images_is_never_taken_for_this_one(one_line, loocbench, tmp_path):
    data = make_cub(tmp_path / "data")
    command = ["probe", "--dataset", "cub200", "--data-dir", data, "--checkpoint", "random:resnet8"]
    assert loocbench(*command).code == 0
    victim = sorted((data / "CUB_200_2011" / "images").rglob("*.jpg"))[0]
    picture(victim, (60, 60), seed=77)
    assert "was measured on other images of cub200; --overwrite it" in one_line(*command)
    assert loocbench(*command, "--overwrite").code == 0


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_json_goes_to_standard_output_even_when_standard_error_is_a_terminal(tmp_path):
    data = make_cub(tmp_path / "data")
    command = [sys.executable, "-m", "loocbench", "probe", "--json", "--checkpoint", "random:resnet8"]
    terminal, stderr = os.openpty()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TERM": "xterm"}
    done = subprocess.run(
        [*command, "--dataset", "cub200", "--data-dir", str(data)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=True,
    )
    os.close(stderr)
    os.close(terminal)
    assert json.loads(done.stdout)["task"] == "linear/cub200"


def test_a_report_of_nothing(one_line):
    assert "measure with 'loocbench probe'" in one_line("report")
