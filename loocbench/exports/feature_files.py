"""Features as a file for other programs: NumPy's .npz, .parquet, or .safetensors.

In each, every space has an array under its name (``looc``, ``head:color``), labels are integers, and the model, the
data and the settings are told beside them. Arrays are written split by split: memory holds one split at a time.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from loocbench import extras, files
from loocbench.cache import tensor_files
from loocbench.errors import UserError
from loocbench.exports.feature_table import FeatureTable

LABEL, CLASSES = "label:", "classes:"  # how names of a factor's arrays begin


def check_output(path: Path, *, force: bool) -> None:
    """Raise UserError now for a file that cannot be written later: of an unknown kind, or there already."""
    if path.suffix not in WRITERS:
        raise UserError(f"cannot write features to {path}: name a file that ends in {', '.join(WRITERS)}.")
    if path.suffix == ".parquet":
        extras.require("pyarrow", "parquet")
    if path.exists() and not force:
        raise UserError(f"{path} exists; replace it with --force, or name another --output.")
    files.require_writable(path.parent)


def write_table(path: Path, table: FeatureTable, *, force: bool) -> None:
    """Write a table in the format of the path's ending, whole or not at all. Raises UserError as above."""
    try:
        with files.writing(path, new=not force) as part:
            WRITERS[path.suffix](part, table)
    except files.ThereAlreadyError as error:
        raise UserError(f"{path} exists; replace it with --force, or name another --output.") from error


def _write_npz(path: Path, table: FeatureTable) -> None:
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        small: dict[str, Any] = {
            "name": np.array(table.names),
            "split": np.array(table.splits)[table.split],
            **{f"{LABEL}{factor}": values for factor, values in table.labels.items()},
            **{f"{CLASSES}{factor}": np.array(names) for factor, names in table.class_names.items()},
            "about": np.array(json.dumps(dict(table.about))),
        }
        for name, array in small.items():
            _write_array(archive, name, array.dtype, array.shape, [array])
        for name, (dtype, shape) in _describe_spaces(table).items():
            _write_array(archive, name, np.dtype(dtype), shape, table.spaces[name])


def _write_array(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Iterable[Any]
) -> None:
    """Add an array to an .npz file, block by block."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_2_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=dtype).tobytes())


def _write_safetensors(path: Path, table: FeatureTable) -> None:
    count = len(table.names)
    integers = {"split": table.split, **{f"{LABEL}{factor}": values for factor, values in table.labels.items()}}
    texts = {
        "name": table.names,
        "splits": table.splits,
        **{f"{CLASSES}{factor}": names for factor, names in table.class_names.items()},
        "about": dict(table.about),
    }
    tensors = {**dict.fromkeys(integers, ("<i8", (count,))), **_describe_spaces(table)}
    header, _ = tensor_files.encode_header(tensors, {name: json.dumps(value) for name, value in texts.items()})
    with path.open("wb") as file:
        file.write(header)
        for values in integers.values():
            file.write(values.astype("<i8").tobytes())
        for blocks in table.spaces.values():
            for block in blocks:
                file.write(np.ascontiguousarray(block, dtype="<f4").tobytes())


def _write_parquet(path: Path, table: FeatureTable) -> None:
    """Columns: name, split, a dictionary column per label, and one of lists of fixed length per space."""
    arrow = extras.require("pyarrow", "parquet")
    parquet = extras.require("pyarrow.parquet", "parquet")
    schema = None
    writer = None
    try:
        for number in range(len(table.splits)):
            rows = np.flatnonzero(table.split == number)
            names = [table.names[row] for row in rows]
            columns = {"name": arrow.array(names, arrow.string())}
            columns["split"] = arrow.array([table.splits[number]] * len(rows), arrow.string())
            for factor, values in table.labels.items():
                codes = arrow.array(values[rows], mask=values[rows] < 0)
                classes = arrow.array(table.class_names[factor], arrow.string())
                columns[f"{LABEL}{factor}"] = arrow.DictionaryArray.from_arrays(codes, classes)
            for name, blocks in table.spaces.items():
                block = np.ascontiguousarray(blocks[number], dtype=np.float32)
                columns[name] = arrow.FixedSizeListArray.from_arrays(arrow.array(block.ravel()), block.shape[1])
            batch = arrow.table(columns)
            if writer is None:
                schema = batch.schema.with_metadata({"about": json.dumps(dict(table.about))})
                writer = parquet.ParquetWriter(path, schema)
            writer.write_table(batch.cast(schema))
    finally:
        if writer is not None:
            writer.close()


def _describe_spaces(table: FeatureTable) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each space's array."""
    count = len(table.names)
    return {name: ("<f4", (count, blocks[0].shape[1])) for name, blocks in table.spaces.items()}


WRITERS: Mapping[str, Callable[[Path, FeatureTable], None]] = {
    ".npz": _write_npz,
    ".parquet": _write_parquet,
    ".safetensors": _write_safetensors,
}
