"""What cache files say about themselves, and what they say nothing about."""

import pytest

from loocbench.cache import descriptions, tensor_files


def written(path, metadata):
    path.write_bytes(tensor_files.encode_header({}, metadata)[0])
    return path


def test_what_is_written_is_read(tmp_path):
    description = {"kind": "images", "dataset": "fleurs d'été", "rows": [3, 1]}
    path = written(tmp_path / "a.safetensors", descriptions.to_metadata(description))
    assert descriptions.read_description(path) == description
    (tmp_path / "a.json").write_text('{"kind": "damage", "damaged": []}')
    assert descriptions.read_description(tmp_path / "a.json") == {"kind": "damage", "damaged": []}


@pytest.mark.parametrize("metadata", [{}, {"about": "no JSON"}, {"about": "[1]"}, {"about": "[" * 100_000}])
def test_a_file_without_a_description_has_an_empty_one(tmp_path, metadata):
    assert descriptions.read_description(written(tmp_path / "a.safetensors", metadata)) == {}


def test_a_file_that_cannot_be_read_has_an_empty_one(tmp_path):
    assert descriptions.read_description(tmp_path / "absent.json") == {}
    (tmp_path / "old.json").write_text('["a.jpg"]')
    (tmp_path / "cut.safetensors").write_bytes(b"\x10")
    assert descriptions.read_description(tmp_path / "old.json") == {}
    assert descriptions.read_description(tmp_path / "cut.safetensors") == {}


@pytest.mark.parametrize(
    ("description", "line"),
    [
        ({}, "unknown content"),
        ({"dataset": "cub200", "split": "test", "short_side": 256}, "cub200 test, 256 px"),
        (
            {
                "dataset": "dtd",
                "split": "val",
                "rows": [1, 5],
                "checkpoint": "moco",
                "change": "",
                "numerics": "float32",
            },
            "dtd val, 2 of its images, moco, float32",
        ),
        ({"dataset": "dtd", "split": "val", "damaged": ["a.jpg"]}, "dtd val, 1 damaged images"),
    ],
)
def test_a_description_is_one_line(description, line):
    assert descriptions.format_description(description) == line
