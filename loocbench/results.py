"""Measured results as a pandas table: ``loocbench.results.load()``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load(path: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Load the measured results of a folder, or of one of its suites.

    >>> import loocbench.results
    >>> table = loocbench.results.load("results", suite="small")
    >>> table[table.metric == "top1"].groupby(["model", "features", "task"]).value.mean()

    Args:
        path: The results folder, which holds one folder per suite.
        suite: Name of a suite; None loads all.

    Returns:
        A table with one line per row of the store and metric, sorted by suite and path. Nothing is filtered: results of
        older task versions and of checkpoints that were trained again are included. A table without lines has the same
        columns and dtypes. The columns, in order:

        - suite (str): the suite's name.
        - model (str): the model's label, such as "LooC++ (color, rotation)".
        - method (str): the pretraining method; "" for weights from elsewhere.
        - features (str): "looc", "looc++", "head:NAME", several joined by "+", or "selected".
        - selected (str): the features that validation chose, if ``features`` is "selected"; else "".
        - task (str): the task's name, such as "linear/cub200".
        - task_version (int64): the version of the task's protocol.
        - dataset (str): the data set.
        - dataset_note (str): how this copy differs from the official one; "" for the official one.
        - backbone (str): the network.
        - image_size (int64): the side of its input, in pixels.
        - source (str): where weights from elsewhere come from; else "".
        - pretrained_on (str): the pretraining data set.
        - pretraining_note (str): as dataset_note, for the pretraining data set.
        - epochs (Int64): pretraining epochs; missing if unknown.
        - pretraining_seed (Int64): the seed of pretraining; missing if unknown.
        - seed (int64): the seed of the measurement.
        - checkpoint (str): the checkpoint's name.
        - checkpoint_hash (str): the SHA-256 of its weights.
        - metric (str): the metric's name, such as "top1".
        - value (float64): its value; accuracies are fractions of 1.
        - low, high (float64): its 95 % interval over test items.
        - n (int64): the number of test items.
        - certificate (float64): the gradient norm of the fitted classifier; missing for tasks without a solver.
        - test_fingerprint (str): the SHA-256 of the test split's images and labels.
        - seconds (float64): wall time of the whole measurement.
        - version (str): the version of loocbench.
        - hardware (str): the machine.
        - created (str): when it was measured, UTC, ISO 8601.

    Warns:
        UserWarning: for each file that cannot be read as a row; it is skipped.

    Raises:
        UserError: if the folder or the suite does not exist.
    """
    from loocbench.errors import UserError
    from loocbench.records import frame, store
    from loocbench.types import Row

    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"no results in {folder}; measure with 'loocbench probe', or name the folder that has suites.")
    known = store.list_suites(folder)
    if suite is not None and suite not in known:
        raise UserError(f"no suite '{suite}' in {folder}. There are: {', '.join(known) or 'none'}.")
    rows, suites = [], []
    for name in known if suite is None else [suite]:
        for found in store.read_rows(folder, name):
            if isinstance(found, Row):
                rows.append(found)
                suites.append(name)
            else:
                warnings.warn(f"skipped {found.path}: {found.reason}", stacklevel=2)
    return frame.rows_to_frame(rows, suites)
