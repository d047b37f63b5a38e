"""``loocbench map`` and ``loocbench extract --output``: features for people's eyes and for other programs.

Covers loocbench.cli.map, loocbench.jobs.feature_maps, loocbench.exports.feature_table and
loocbench.exports.feature_files.
"""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file

from loocbench.exports import feature_files
from loocbench.exports.feature_table import make_table
from loocbench.types import Split
from tests.cli.conftest import files_below

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
LABEL, CLASSES = "label:", "classes:"


@pytest.fixture
def looc(trained):
    """Options that name a checkpoint with a general space and heads."""
    return ["--checkpoint", trained["looc"].parent]


def test_each_space_is_mapped_as_a_picture_and_as_a_page(loocbench, looc, tmp_path):
    options = ["map", *looc, "--method", "pca", "--limit", "40"]
    said = loocbench(*options, "--picture", "a.png", "--picture", "b.pdf", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["method"], found["images"]) == ("pca", 40)
    assert (found["pictures"], found["html"]) == (["a.png", "b.pdf"], "map.html")
    assert set(found["trustworthiness"]) == {"looc", "looc++", "head:invariant", "head:color", "head:rotation"}
    assert all(0 <= value <= 1 for value in found["trustworthiness"].values())
    assert Image.open(tmp_path / "a.png").size[0] > 1500
    assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF")
    page = (tmp_path / "map.html").read_text()
    assert page.count("<svg viewBox") == 5
    assert all(f">{factor}</option>" in page for factor in ("species", "color", "texture"))
    assert "40 of 64 images of blooms, test" in page
    again = loocbench(*options, "--picture", "a.png", "--html", "c.html")
    assert "head:color: trustworthiness" in again.out
    assert (tmp_path / "c.html").read_text() == page
    assert loocbench(*options, "--html", "d.html", "--limit", "30").code == 0
    assert (tmp_path / "d.html").read_text() != page


def test_a_map_of_one_space_by_one_label(loocbench, looc, tmp_path):
    said = loocbench("map", *looc, "--features", "head:color", "--by", "color", "--split", "val", "--method", "tsne")
    assert said.code == 0, said.err
    page = (tmp_path / "map.html").read_text()
    assert page.count("<svg viewBox") == page.count("</option>") == 1
    assert "t-SNE of 48 images of blooms, val" in page


def test_a_map_that_cannot_be_is_refused_and_nothing_is_written(one_line, looc, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    for options, message in (
        (["--by", "colour"], "Did you mean 'color'"),
        (["--split", "tets"], "Did you mean 'test'"),
        (["--features", "head:colour"], "Did you mean 'head:color'"),
        (["--method", "tnse"], "Did you mean 'tsne'"),
        (["--method", "umap"], "pip install 'loocbench[umap]'"),
        (["--picture", "map.jpg"], "name a file that ends in .svg, .pdf, .png"),
    ):
        assert message in one_line("map", *looc, *options)
    assert not list(tmp_path.glob("*.png")) + list(tmp_path.glob("*.html"))


def read_npz(path):
    """(names, splits, labels by factor as class names, spaces, about), without unpickling."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    names, split = arrays.pop("name").tolist(), arrays.pop("split").tolist()
    factors = [name.removeprefix(LABEL) for name in arrays if name.startswith(LABEL)]
    labels = {factor: arrays.pop(CLASSES + factor)[arrays.pop(LABEL + factor)].tolist() for factor in factors}
    return names, split, labels, arrays, about


def read_safetensors(path):
    """The same, by the library."""
    with safe_open(path, "np") as file:
        texts = {name: json.loads(text) for name, text in file.metadata().items()}
    arrays = load_file(path)
    split = [texts["splits"][number] for number in arrays.pop("split")]
    factors = [name.removeprefix(LABEL) for name in arrays if name.startswith(LABEL)]
    labels = {factor: [texts[CLASSES + factor][value] for value in arrays.pop(LABEL + factor)] for factor in factors}
    return texts["name"], split, labels, arrays, texts["about"]


def read_parquet(path):
    """The same, by pandas."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(path)
    frame = table.to_pandas()
    about = json.loads(table.schema.metadata[b"about"])
    names, split = frame.pop("name").tolist(), frame.pop("split").tolist()
    factors = [name.removeprefix(LABEL) for name in frame if name.startswith(LABEL)]
    labels = {factor: frame.pop(LABEL + factor).tolist() for factor in factors}
    return names, split, labels, {name: np.stack(frame[name]) for name in frame}, about


@pytest.mark.parametrize("read", [read_npz, read_safetensors, read_parquet])
def test_features_are_written_for_other_programs(loocbench, one_line, looc, tiny_blooms, tmp_path, read):
    ending = read.__name__.removeprefix("read_")
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    output = tmp_path / "out" / f"features.{ending}"
    command = ["extract", *looc, "--split", "val", "--split", "test"]
    said = loocbench(*command, "--output", output, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["output"] == str(output)
    names, split, labels, spaces, about = read(output)
    parts = [tiny_blooms.splits[name] for name in ("val", "test")]
    assert names == [item for part in parts for item in part.items]
    assert split == ["val"] * 48 + ["test"] * 64
    assert set(labels) == set(parts[0].labels)
    for factor, values in labels.items():
        assert values == [part.class_names[factor][value] for part in parts for value in part.labels[factor]]
    assert set(spaces) == {"looc", "head:invariant", "head:color", "head:rotation"}
    extracted = json.loads(loocbench(*command, "--json").out)["splits"]
    for name, matrix in spaces.items():
        own = "general" if name == "looc" else name.removeprefix("head:")
        assert matrix.dtype == np.float32
        assert np.array_equal(matrix, np.concatenate([load_file(one["file"])[own] for one in extracted]))
    assert (about["checkpoint"], about["dataset"]) == ("looc", "blooms")
    before = output.read_bytes()
    assert "exists; replace it with --force" in one_line(*command, "--output", output)
    assert output.read_bytes() == before
    assert loocbench(*command, "--output", output, "--force").code == 0
    assert np.array_equal(read(output)[3]["looc"], spaces["looc"])
    assert files_below(tmp_path / "out") == {output}


def test_an_output_that_cannot_be_is_refused_before_the_work_begins(one_line, looc, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'loocbench[parquet]'" in one_line("extract", *looc, "--output", "features.parquet")
    assert "name a file that ends in .npz, .parquet, .safetensors" in one_line("extract", *looc, "--output", "a.csv")
    assert not (tmp_path / "cache").exists()


def test_splits_with_other_labels_and_classes_become_one_table(tmp_path):
    kinds = {"kind": np.array([1, 0])}, {"kind": np.array([0]), "side": np.array([0])}
    first = Split("d", "train", ("a", "b"), kinds[0], {"kind": ("x", "y")})
    second = Split("d", "test", ("c",), kinds[1], {"kind": ("z",), "side": ("l",)})
    features = [{"looc": np.ones((2, 3), np.float32)}, {"looc": np.zeros((1, 3), np.float32)}]
    table = make_table([first, second], features, {})
    assert table.class_names == {"kind": ("x", "y", "z"), "side": ("l",)}
    assert {name: values.tolist() for name, values in table.labels.items()} == {"kind": [1, 0, 2], "side": [-1, -1, 0]}
    feature_files.write_table(tmp_path / "f.npz", table, force=False)
    with np.load(tmp_path / "f.npz") as file:
        assert file["looc"].tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
        assert file["split"].tolist() == ["train", "train", "test"]
