"""Headers of safetensors files: what is written is read back, and what is not whole is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from loocbench.cache import descriptions, feature_files, tensor_files
from loocbench.data.prepared import PreparedImages
from loocbench.errors import UserError


def test_a_header_is_what_the_library_reads(tmp_path):
    shapes = {"b": ("<i8", (2, 3)), "a": ("|u1", (5,)), "empty": ("<f4", (0, 4))}
    header, infos = tensor_files.encode_header(shapes, {"key": "ü"})
    values = {name: np.arange(np.prod(shape), dtype=dtype).reshape(shape) for name, (dtype, shape) in shapes.items()}
    path = tmp_path / "a.safetensors"
    path.write_bytes(header + b"".join(one.tobytes() for one in values.values()))
    for name, found in load_file(path).items():
        np.testing.assert_array_equal(found, values[name])
    assert tensor_files.read_header(path) == (infos, {"key": "ü"})
    assert infos["b"].offset % 8 == 0
    assert tensor_files.encode_header(shapes, {"key": "ü"})[0] == header


def test_a_header_that_claims_much_is_not_read(tmp_path):
    (tmp_path / "huge").write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="not a safetensors file"):
        tensor_files.read_header(tmp_path / "huge")


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        '{"a": 1}',
        "[" * 100_000,
        *(
            json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": place}})
            for dtype, shape, place in (
                ("F64", [1], [0, 8]),
                ("F32", [2], []),
                ("F32", [2], [0]),
                ("F32", [3], [0, 8]),
                ("F32", [-1, -2], [0, 8]),
                ("F32", [2], [-8, 0]),
                ("F32", ["2"], [0, 8]),
            )
        ),
    ],
)
def test_a_header_of_another_kind_is_refused(tmp_path, header):
    path = tmp_path / "other.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    with pytest.raises(ValueError, match=r"safetensors|fill its place|unpack"):
        tensor_files.read_header(path)
    with pytest.raises(UserError, match=r"other\.safetensors is damaged; remove it"):
        feature_files.load_features(path)
    with pytest.raises(UserError, match=r"other\.safetensors is damaged; remove it"):
        PreparedImages(path)
    assert descriptions.read_description(path) == {}
