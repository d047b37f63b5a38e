"""``loocbench checkpoints``: what is shown, and wrong options.

Covers loocbench.cli.checkpoints, loocbench.cli.describing_checkpoints and loocbench.jobs.checkpoints.
"""

from __future__ import annotations

import json

import pytest
import torch

from tests.checkpoints.foreign.helpers import (
    TENSOR,
    assert_import_refused,
    save_file_as,
    shufflenet_weights,
)


@pytest.fixture(scope="module")
def weights():
    """A small network of torchvision's."""
    return shufflenet_weights()


@pytest.fixture
def refused(one_line, tmp_path):
    """Import a file where it must be refused: the line, and nothing written."""
    return lambda path, *options: assert_import_refused(one_line, tmp_path, path, *options)


def test_inspecting_a_faulty_file_lists_the_fault(weights, loocbench, tmp_path):
    faulty = dict(weights)
    faulty["stage2.1.branch3.0.weight"] = faulty.pop(TENSOR)
    said = loocbench("checkpoints", "inspect", save_file_as(faulty, tmp_path / "net.pth"))
    assert said.code == 0
    assert "NOT complete" in said.out
    assert f"missing:\n  net.{TENSOR}\nunexpected:\n  stage2.1.branch3.0.weight\n" in said.out


def test_inspecting_takes_every_name_that_measuring_takes(loocbench, one_line, trained, monkeypatch):
    runs = trained["looc"].parent.parent
    for reference in ("looc", trained["looc"], trained["looc"].parent):
        said = json.loads(loocbench("checkpoints", "inspect", reference, "--runs", runs, "--json").out)
        assert said["card"]["name"] == "looc"
    said = json.loads(loocbench("checkpoints", "inspect", "random:resnet8", "--json").out)
    assert said["card"]["name"].startswith("random")
    like = json.loads(loocbench("checkpoints", "inspect", "random:looc", "--runs", runs, "--json").out)
    assert like["card"]["preprocessing"] == {**like["card"]["preprocessing"], "image_size": 16}
    assert "Did you mean 'looc'" in one_line("checkpoints", "inspect", "loc", "--runs", runs)
    assert "no checkpoint at nowhere.pth" in one_line("checkpoints", "inspect", "nowhere.pth")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arch", "resnet8x"], "Did you mean 'resnet8'"),
        (["--arch", "no_such_module:net"], "no Python module 'no_such_module'"),
        (["--arch", "json:no_such_function"], "unknown function of json 'no_such_function'"),
        (["--arch", "json:dumps.x"], "unknown architecture 'json:dumps.x'"),
        (["--arch", "builtins:dict"], "gives a dict, not a torch.nn.Module"),
        (["--image-size", "224", "--resize", "100"], "no centre crop of 224; raise --resize"),
        (["--image-size", "2"], "bad value for image_size"),
        (["--mean", "123.675", "116.28", "103.53"], "in [0, 1]: divide those of 0 to 255 by 255"),
        (["--mean", "nan", "0", "0"], "bad value for mean: input should be a finite number (given nan)"),
        (["--mean", "inf", "0", "0"], "bad value for mean: input should be"),
        (["--std", "0", "0.2", "0.2"], "bad value for std: input should be greater than or equal to 0.001 (given 0"),
        (["--std", "-0.2", "0.2", "0.2"], "bad value for std"),
        (["--std", "58.4", "57.1", "57.4"], "in [0, 1]: divide those of 0 to 255 by 255"),
        (["--resize", "100"], "images of short side 100 px have no centre crop of 224; raise --resize"),
        (["--num-heads", "6"], "torchvision:shufflenet_v2_x0_5 has no option num_heads"),
        (["--map", "nowhere.toml"], "cannot read card nowhere.toml"),
    ],
)
def test_a_wrong_option(weights, refused, tmp_path, options, message):
    assert message in refused(save_file_as(weights, tmp_path / "net.pth"), *options)


def test_a_name_that_is_taken_is_not_overwritten(weights, loocbench, one_line, tmp_path):
    path = save_file_as(weights, tmp_path / "net.pth")
    assert loocbench("checkpoints", "import", path, "--name", "x").code == 0
    assert "exists; choose another --name, or --overwrite it" in one_line("checkpoints", "import", path, "--name", "x")
    assert loocbench("checkpoints", "import", path, "--name", "x", "--overwrite").code == 0


@pytest.mark.parametrize("command", ["inspect", "import"])
def test_names_are_shown_as_they_are_and_do_nothing_to_the_terminal(weights, loocbench, tmp_path, command):
    """Square brackets are no markup, and an escape is no colour: in the file's name, in groups, in lists."""
    strange = {
        "[/red]": torch.zeros(2),
        "\x1b[31mred": torch.zeros(2),
        "head_[/red]\x1b]0;title\x07.weight": torch.zeros(2),
    }
    wrapped = {f"backbone.{name}": tensor for name, tensor in weights.items()}
    path = save_file_as({**wrapped, **strange}, tmp_path / "net[bold]\x1b[1m.pth")
    said = loocbench("checkpoints", command, path, *(["--name", "x"] if command == "import" else []))
    assert said.code == 0, said
    assert "net[bold]\N{REPLACEMENT CHARACTER}[1m.pth" in said.out
    assert "  [/red]\n  \N{REPLACEMENT CHARACTER}[31mred\n" in said.out
    assert "\x1b" not in said.out + said.err


def test_an_error_does_nothing_to_the_terminal(weights, refused, tmp_path):
    line = refused(save_file_as({**weights, "stage2.\x1b[31mred": torch.zeros(2)}, tmp_path / "net.pth"))
    assert "unexpected stage2.\N{REPLACEMENT CHARACTER}[31mred" in line
