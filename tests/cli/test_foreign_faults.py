"""One fault in a foreign file: one line that names it, exit code 2, nothing written, nothing run."""

from __future__ import annotations

import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from tests.cli.conftest import files_below
from tests.conftest import picture

TENSOR = "stage2.1.branch2.0.weight"


@pytest.fixture(scope="module")
def weights():
    """A small network of torchvision's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.shufflenet_v2_x0_5().state_dict()


@pytest.fixture
def refused(one_line, tmp_path):
    """Import a file where it must be refused: the line, and nothing written."""

    def call(path: Path, *options: str) -> str:
        before = files_below(tmp_path)
        line = one_line("checkpoints", "import", path, "--name", "x", *options)
        assert files_below(tmp_path) == before
        return line

    return call


def saved(weights, path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(dict(weights), path)
    else:
        torch.save(OrderedDict(weights), path)
    return path


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_the_sound_file_imports(weights, loocbench, tmp_path, name):
    said = loocbench("checkpoints", "import", saved(weights, tmp_path / name), "--name", "x", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["card"]["architecture"]["name"] == "torchvision:shufflenet_v2_x0_5"


@pytest.mark.parametrize("low", [b"\x80", b"PK"])
def test_a_safetensors_file_whose_length_looks_like_another_kinds_mark(weights, loocbench, tmp_path, low):
    """The first eight bytes are the header's length, padded with spaces here until it begins as a pickle or a zip."""
    path = saved(weights, tmp_path / "net.safetensors")
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    step = 256 ** len(low)
    padded = length + (int.from_bytes(low, "little") - length) % step
    header = whole[8 : 8 + length].ljust(padded)
    path.write_bytes(struct.pack("<Q", padded) + header + whole[8 + length :])
    assert path.read_bytes().startswith(low)
    said = loocbench("checkpoints", "inspect", path, "--json")
    assert json.loads(said.out)["complete"] is True


def missing(weights):
    del weights[TENSOR]


def renamed(weights):
    weights["stage2.1.branch3.0.weight"] = weights.pop(TENSOR)


def misshapen(weights):
    weights[TENSOR] = weights[TENSOR][:-1].clone()


def not_finite(weights):
    weights[TENSOR] = weights[TENSOR].clone()
    weights[TENSOR][0, 0] = float("nan")


def of_integers(weights):
    weights[TENSOR] = weights[TENSOR].to(torch.int32)


def complex_valued(weights):
    weights[TENSOR] = weights[TENSOR].to(torch.complex64)


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (missing, f"missing net.{TENSOR}."),
        (renamed, f"missing net.{TENSOR}; unexpected stage2.1.branch3.0.weight."),
        (misshapen, f"{TENSOR} has shape [23, 24, 1, 1], the network [24, 24, 1, 1]"),
        (not_finite, f"{TENSOR} holds values that are not finite"),
        (of_integers, f"{TENSOR} holds int32, the network float32"),
        (complex_valued, f"{TENSOR} holds complex64, the network float32"),
    ],
)
def test_one_wrong_tensor(weights, refused, tmp_path, fault, message, name):
    faulty = dict(weights)
    fault(faulty)
    line = refused(saved(faulty, tmp_path / name))
    assert "does not fit torchvision:shufflenet_v2_x0_5" in line
    assert message in line


def test_inspecting_a_faulty_file_lists_the_fault(weights, loocbench, tmp_path):
    faulty = dict(weights)
    renamed(faulty)
    said = loocbench("checkpoints", "inspect", saved(faulty, tmp_path / "net.pth"))
    assert said.code == 0
    assert "NOT complete" in said.out
    assert f"missing:\n  net.{TENSOR}\nunexpected:\n  stage2.1.branch3.0.weight\n" in said.out


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_file(weights, refused, tmp_path, form, keep):
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    if form == "legacy":
        torch.save(dict(weights), path, _use_new_zipfile_serialization=False)
    else:
        saved(weights, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert "truncated" in refused(path)


def test_an_empty_file(refused, tmp_path):
    (tmp_path / "net.pth").touch()
    assert "net.pth is empty; download it anew" in refused(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>404</html>", "an HTML page: a download that failed"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML page: a download that failed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer, not the file itself"),
        (b"\x1f\x8b\x08\x00" + bytes(64), "a gzip archive: unpack it first"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        (b'{"error": "not found"}', "a text file"),
        (b"[" * 200_000, "a text file"),
        (b"hello", "a text file"),
        (bytes([200, 201, 202, 203]) * 64, "of no known format"),
    ],
)
def test_another_kind_of_file_is_named(refused, tmp_path, content, what):
    (tmp_path / "net.pth").write_bytes(content)
    assert f"net.pth is {what}" in refused(tmp_path / "net.pth")


def test_an_image_is_named(refused, tmp_path):
    picture(tmp_path / "photo.jpg").rename(tmp_path / "net.pth")
    assert "is a JPEG image" in refused(tmp_path / "net.pth")


def test_a_zip_without_weights_is_named(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        archive.writestr("photo.jpg", b"")
    assert "is a zip archive without weights" in refused(tmp_path / "net.zip")


def test_a_torchscript_archive_is_code(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"")
        archive.writestr("net/constants.pkl", b"")
    assert "is a TorchScript archive, which is code" in refused(tmp_path / "net.pt")


class Hostile:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


class HostileShell:
    def __reduce__(self):
        return os.system, ("touch was-run",)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain pickle"])
@pytest.mark.parametrize(("hostile", "wanted"), [(Hostile, "getattr"), (HostileShell, "posix.system")])
def test_a_hostile_pickle_is_refused_by_name_and_not_run(refused, tmp_path, form, hostile, wanted):
    path = tmp_path / "net.pth"
    content = {"state_dict": {"conv1.weight": torch.zeros(2)}, "epoch": hostile()}
    if form == "plain pickle":
        path.write_bytes(pickle.dumps({"epoch": hostile()}, protocol=2))
        line = refused(path)
        assert wanted in line or "truncated, or not a file of torch.save" in line or "pickle of another kind" in line
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
        line = refused(path)
        assert wanted in line
        assert "refused, nothing was run; docs/checkpoints.md says how to convert it in a sandbox" in line
    assert not Path("was-run").exists()


def test_a_whole_pickled_module_is_refused_by_its_class(refused, tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "net.pth")
    assert "asks for torch.nn.modules.linear.Linear, code that weights do not need" in refused(tmp_path / "net.pth")


def test_a_safetensors_header_that_claims_100_gb(refused, tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", 100 * 10**9) + b"{}" + bytes(100))
    assert "claims a header of 100.0 GB" in refused(path)


def test_a_safetensors_tensor_that_claims_100_gb(refused, tmp_path):
    size = 100 * 10**9
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(100))
    assert "claims 100.0 GB of tensors and holds 100 bytes" in refused(path)


def test_a_safetensors_shape_that_its_bytes_do_not_fill(refused, tmp_path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [25 * 10**9], "data_offsets": [0, 100]}}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(100))
    assert "the shape of w needs 100,000,000,000 bytes, not the 100 given" in refused(path)


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"w": 3}', b'{"w": {"dtype": "F32", "shape": 3, "data_offsets": [0, 4]}}']
)
def test_a_damaged_safetensors_header(refused, tmp_path, header):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + b"{" + header[1:] + bytes(16))
    assert "damaged safetensors header" in refused(path)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_pickle_that_claims_100_gb_is_refused_before_anything_is_allocated(refused, tmp_path, monkeypatch, form):
    """The number of elements in the file's own instructions, changed to 25 thousand million."""
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(30_000)}, path, _use_new_zipfile_serialization=form == "zip")
    honest, claimed = b"M" + struct.pack("<H", 30_000), b"\x8a\x05" + (25 * 10**9).to_bytes(5, "little")
    if form == "zip":
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content.replace(honest, claimed) if name.endswith("data.pkl") else content)
    else:
        path.write_bytes(path.read_bytes().replace(honest, claimed))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims 25,000,000,000 values and holds" in refused(path)


class Claims:
    """Unpickled, it calls a function that torch lets a pickle call."""

    def __init__(self, function, *arguments):
        self.called = (function, arguments)

    def __reduce__(self):
        return self.called


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (Claims(bytearray, 10**12), "calls builtins.bytearray, which weights do not need"),
        (Claims(torch.Tensor, 10**6, 10**6), "calls torch.Tensor, which weights do not need"),
        (Claims(torch.FloatStorage, 10**12), "calls torch.FloatStorage, which weights do not need"),
        (
            Claims(torch._tensor._rebuild_from_type_v2, bytearray, torch.Tensor, (10**12,), {}),
            "calls builtins.bytearray, which weights do not need",
        ),
        (torch.zeros(3).expand(10**6, 3), "claims a tensor of [1000000, 3] over a storage of 3 values"),
        (
            torch.nn.Parameter(torch.zeros(1).expand(10**9)),
            "claims a tensor of [1000000000] over a storage of 1 values",
        ),
    ],
    ids=["bytes", "tensor", "storage", "by another function", "repeated rows", "repeated value"],
)
def test_what_allocates_more_than_the_file_holds_is_refused(refused, tmp_path, monkeypatch, form, hostile, message):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(4), "x": hostile}, path, _use_new_zipfile_serialization=form == "zip")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert message in refused(path)


def test_a_tensor_larger_than_its_storage(refused, tmp_path, monkeypatch):
    """The older format would enlarge the storage for it."""
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(4, 300)}, path, _use_new_zipfile_serialization=False)
    honest = b"K\x04M" + struct.pack("<H", 300)
    assert honest in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(honest, b"K\xffM" + struct.pack("<H", 300)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims a tensor of [255, 300] over a storage of 1,200 values" in refused(path)


def test_views_within_a_storage_are_read(loocbench, weights, tmp_path):
    """A slice, a transposed and an empty tensor, and one of several names."""
    whole = torch.arange(12.0)
    views = {"a": whole[3:6], "b": whole.view(3, 4).t(), "c": whole[:0], "d": whole, "e": torch.nn.Parameter(whole)}
    for modern in (True, False):
        torch.save({**weights, "head": views}, tmp_path / "net.pth", _use_new_zipfile_serialization=modern)
        said = loocbench("checkpoints", "inspect", tmp_path / "net.pth", "--json")
        assert json.loads(said.out)["complete"] is True


def test_many_small_claims_are_added_up(refused, tmp_path, monkeypatch):
    """A small file of the older format that asks for its own size over and over."""
    path = tmp_path / "net.pth"
    torch.save({f"w{i}": torch.zeros(300) for i in range(50)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(b"M" + struct.pack("<H", 300), b"M" + struct.pack("<H", 60_000)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims 3,000,000 values" in refused(path)


def test_a_compressed_zip_is_refused(weights, refused, tmp_path):
    """torch.save never compresses: a small file could unfold to any size."""
    path = saved({"w": torch.zeros(10**6)}, tmp_path / "net.pth")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert "compressed as torch.save does not" in refused(path)


def test_a_file_of_something_else_than_weights(refused, tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "net.pth")
    assert "holds a list, not weights by name" in refused(tmp_path / "net.pth")
    torch.save({"epoch": 3}, tmp_path / "net.pth")
    assert "holds no tensors" in refused(tmp_path / "net.pth")


def test_an_unknown_architecture_says_how_to_name_it(refused, tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "net.pth")
    assert "name it with --arch NAME, timm:NAME or package.module:function" in refused(tmp_path / "net.pth")


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
        (["--num-heads", "6"], "torchvision:shufflenet_v2_x0_5 does not take num heads from outside"),
        (["--map", "nowhere.toml"], "cannot read card nowhere.toml"),
    ],
)
def test_a_wrong_option(weights, refused, tmp_path, options, message):
    assert message in refused(saved(weights, tmp_path / "net.pth"), *options)


def test_a_file_that_does_not_exist(refused, tmp_path):
    assert "no checkpoint file" in refused(tmp_path / "nowhere.pth")


def test_a_name_that_is_taken_is_not_overwritten(weights, loocbench, one_line, tmp_path):
    path = saved(weights, tmp_path / "net.pth")
    assert loocbench("checkpoints", "import", path, "--name", "x").code == 0
    assert "exists; choose another --name, or --overwrite it" in one_line("checkpoints", "import", path, "--name", "x")
    assert loocbench("checkpoints", "import", path, "--name", "x", "--overwrite").code == 0


@pytest.mark.slow
def test_the_documented_conversion_makes_tensors_of_what_is_refused(loocbench, refused, tmp_path):
    """docs/checkpoints.md's convert.py, here without its container, on a pickled module and on TorchScript."""
    page = (Path(__file__).parents[2] / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# convert\.py.*?)```", page, re.DOTALL)
    (tmp_path / "convert.py").write_text(code)
    net = torchvision.models.shufflenet_v2_x0_5().eval()
    torch.save(net, tmp_path / "module.pth")
    torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3, 64, 64)), tmp_path / "script.pt")
    for name, why in (("module.pth", "code that weights do not need"), ("script.pt", "TorchScript archive")):
        assert why in refused(tmp_path / name)
        out = tmp_path / f"{name}.safetensors"
        subprocess.run([sys.executable, "convert.py", tmp_path / name, out], check=True, capture_output=True)
        said = loocbench("checkpoints", "inspect", out, "--json")
        assert json.loads(said.out)["complete"] is True


def test_a_tensor_without_values(weights, refused, tmp_path):
    faulty = {**weights, TENSOR: weights[TENSOR].to("meta")}
    assert f"{TENSOR} has no values in the file" in refused(saved(faulty, tmp_path / "net.pth"))


def test_two_tensors_of_one_name(refused, tmp_path):
    torch.save({"a": {"b": torch.zeros(2)}, "a.b": torch.ones(2)}, tmp_path / "net.pth")
    assert "two tensors called a.b" in refused(tmp_path / "net.pth")


def test_a_mapping_that_holds_itself(refused, tmp_path):
    content = {"w": torch.zeros(2)}
    content["again"] = content
    torch.save(content, tmp_path / "net.pth")
    assert "holds mappings in mappings without end" in refused(tmp_path / "net.pth")


def test_a_small_file_of_mappings_that_unfolds_without_end(refused, tmp_path):
    content = {"w": torch.zeros(2)}
    for _ in range(8):
        content = {str(number): content for number in range(20)}
    torch.save(content, tmp_path / "net.pth")
    assert "holds mappings in mappings without end" in refused(tmp_path / "net.pth")


@pytest.mark.parametrize("command", ["inspect", "import"])
def test_names_are_shown_as_they_are_and_do_nothing_to_the_terminal(weights, loocbench, tmp_path, command):
    """Square brackets are no markup, and an escape is no colour: in the file's name, in groups, in lists."""
    strange = {
        "[/red]": torch.zeros(2),
        "\x1b[31mred": torch.zeros(2),
        "head_[/red]\x1b]0;title\x07.weight": torch.zeros(2),
    }
    wrapped = {f"backbone.{name}": tensor for name, tensor in weights.items()}
    path = saved({**wrapped, **strange}, tmp_path / "net[bold]\x1b[1m.pth")
    said = loocbench("checkpoints", command, path, *(["--name", "x"] if command == "import" else []))
    assert said.code == 0, said
    assert "net[bold]\N{REPLACEMENT CHARACTER}[1m.pth" in said.out
    assert "  [/red]\n  \N{REPLACEMENT CHARACTER}[31mred\n" in said.out
    assert "\x1b" not in said.out + said.err


def test_an_error_does_nothing_to_the_terminal(weights, refused, tmp_path):
    line = refused(saved({**weights, "stage2.\x1b[31mred": torch.zeros(2)}, tmp_path / "net.pth"))
    assert "unexpected stage2.\N{REPLACEMENT CHARACTER}[31mred" in line


def test_two_networks_told_apart_by_their_wrappers_alone(weights, refused, tmp_path):
    torch.save({"model": dict(weights), "net": dict(weights)}, tmp_path / "net.pth")
    assert "say which one with --map" in refused(tmp_path / "net.pth")


def test_a_zip_with_two_pickles(refused, tmp_path):
    path = saved({"w": torch.zeros(2)}, tmp_path / "net.pth")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"")
    assert "holds 2 data.pkl where torch.save writes one" in refused(path)


def test_a_pickle_that_claims_a_name_of_4_gb(refused, tmp_path, monkeypatch):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    honest, claimed = b"X" + struct.pack("<I", 1) + b"w", b"X" + struct.pack("<I", 2**32 - 1) + b"w"
    assert honest in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(honest, claimed))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "truncated, or not a file of torch.save" in refused(path)
