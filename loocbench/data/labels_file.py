"""``labels.csv``: the table of labels and splits beside the images of a folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from loocbench.errors import UserError

LABELS_FILE = "labels.csv"
_RESERVED = {"path", "class", "split"}  # columns that are recognised in any case


def find_table(root: Path) -> Path | None:
    """The folder's table, its name in any case; None where there is none. Raises UserError for two or a broken one."""
    found = sorted(path for path in root.iterdir() if path.name.casefold() == LABELS_FILE and not path.is_dir())
    if len(found) > 1:
        raise UserError(f"{root} holds {found[0].name} and {found[1].name}; keep one of them.")
    if found and not found[0].is_file():
        raise UserError(f"{found[0]} is a broken link, or not a file; mend it, or take it away.")
    return found[0] if found else None


def read_table(path: Path, items: Sequence[str]) -> dict[str, list[str]]:
    """The columns except ``path``, in the order of ``items``, without blanks around names and values.

    The columns path, class and split are recognised in any case. Raises UserError for a table that does not give each
    item one value of each column.
    """
    columns, rows = _read_rows(path)
    there = set(items)
    by_path: dict[str, dict[str, str]] = {}
    for number, row in rows:
        named = row["path"] if row["path"] in there else row["path"].strip()
        if named in by_path:
            raise UserError(f"{path}, line {number}: {named} stands there twice; keep one of the lines.")
        if named not in there:
            raise UserError(f"{path} names {named}, which is not there or not an image; take the row out.")
        by_path[named] = row
    if lost := next((item for item in items if item not in by_path), None):
        raise UserError(f"{path} has no row for {lost}; add one, or move the image away.")
    values = {column: [by_path[item][column].strip() for item in items] for column in columns}
    for column, of_items in values.items():
        if "" in of_items:
            raise UserError(f"{path} gives no {column} for {items[of_items.index('')]}; fill it in.")
    return values


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns' names without ``path``, and each row with its line's number. Raises UserError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [_normalise_name(name) for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path} as CSV ({error}); save it as UTF-8.") from error
    if "path" not in header:
        raise UserError(f"{path} has no column 'path'; add one with each image's path in its folder.")
    if not all(header) or len(set(header)) != len(header):
        raise UserError(f"{path} has a column without a name, or a column twice; write each once.")
    for number, row in rows:
        if len(row) > len(header):
            raise UserError(f"{path}, line {number}: {len(row)} values for {len(header)} columns; quote commas.")
    filled = [(number, dict(zip(header, row + [""] * (len(header) - len(row)), strict=True))) for number, row in rows]
    return [name for name in header if name != "path"], filled


def _normalise_name(name: str) -> str:
    name = name.strip()
    return name.casefold() if name.casefold() in _RESERVED else name
