"""Measured results in Python: ``loocbench.results.load()`` is the store as a pandas table."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from loocbench.errors import UserError
from loocbench.records import frame, store
from loocbench.types import Row


def load(path: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Every measured figure below a results folder, or of one suite: one line for each metric of each row.

    Figures are fractions of 1. Nothing is filtered: older task versions and superseded checkpoints are there too. The
    columns, always the same and in this order, are those of ``loocbench.records.frame.COLUMNS``, explained in
    docs/results.md. Files that cannot be read as rows are named in a warning. Raises UserError for a folder or suite
    that is not there.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"no results in {folder}; measure with 'loocbench probe', or name the folder that has suites.")
    known = store.suites(folder)
    if suite is not None and suite not in known:
        raise UserError(f"no suite '{suite}' in {folder}. There are: {', '.join(known) or 'none'}.")
    rows, suites = [], []
    for name in known if suite is None else [suite]:
        for found in store.rows(folder, name):
            if isinstance(found, Row):
                rows.append(found)
                suites.append(name)
            else:
                warnings.warn(f"passed over {found.path}: {found.reason}", stacklevel=2)
    return frame.to_frame(rows, suites)
