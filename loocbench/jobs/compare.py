"""Two checkpoints, or two features, task by task: what differs, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.report.figures import contact_sheet
from loocbench.report.table import columns as choosing
from loocbench.report.table import pairs, selection
from loocbench.report.table.experiments import Experiment, evaluated, group
from loocbench.report.table.pairs import Comparison
from loocbench.types import Dataset, Row

_SHEET = 32  # images of a side on a sheet
_SIDE = 96  # their short side, in pixels


@dataclass(frozen=True)
class Disagreement:
    """Test images that one model alone got right. first, second: rows of the test split, int64.

    names: of all of the split's images; empty where the data set cannot be opened, and then ``reason`` says why.
    """

    comparison: Comparison
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    dataset: Dataset | None
    reason: str = ""

    def name(self, row: int) -> str:
        """The image's name, or its number in the test split."""
        return self.dataset.splits["test"].items[row] if self.dataset else f"#{row}"


def compare(
    rows: Sequence[Row], first: str, second: str, *, every_metric: bool = False
) -> tuple[Experiment, Experiment, list[Comparison]]:
    """Test two experiments on every task that both were measured on; p is adjusted over all of these tests.

    Each is named as :func:`find` says. Raises UserError for a name that does not say which, for one and the same, and
    where the two share no task.
    """
    kept = selection.current(rows)
    one, other = find(kept, first), find(kept, second)
    if one.checkpoints == other.checkpoints and one.features == other.features:
        raise UserError(f"'{first}' and '{second}' are the same: {one.name}.")
    known = choosing.cards(kept)
    columns = choosing.choose([*one.rows, *other.rows], known, every_metric=every_metric, metrics=())
    found = [comparison for column in columns if (comparison := pairs.compare(one, other, column))]
    if not found:
        raise UserError(f"{one.name} and {other.name} were measured on no task in common; measure both on one.")
    return one, other, pairs.adjusted(found)


def find(rows: Sequence[Row], text: str) -> Experiment:
    """The experiment that "NAME" or "NAME@FEATURES" means; NAME is a checkpoint, or a model with all of its seeds.

    Without features: those that the method is evaluated on, or the only ones. Raises UserError with what there is.
    """
    name, _, features = text.partition("@")
    folded = name.casefold()
    fitting = [row for row in rows if row.checkpoint.casefold() == folded] or [
        row
        for row in rows
        if folded in (f"{row.checkpoint}-{row.checkpoint_hash[:8]}".casefold(), row.model.casefold())
    ]
    if not fitting:
        known = dict.fromkeys(text for row in rows for text in (row.model, row.checkpoint))
        raise UserError(f"no rows of '{name}'. There are: {', '.join(known)}.")
    offered = list(dict.fromkeys(row.features for row in fitting))
    if not features:
        usual = {evaluated(row.recipe.method if row.recipe else "") for row in fitting}
        features = next((one for one in offered if len(offered) == 1 or {one} == usual), "")
    chosen = [row for row in fitting if row.features == features]
    if not chosen:
        raise UserError(f"say which features of '{name}' with '{name}@FEATURES': {', '.join(offered)}.")
    found = group(chosen)
    if len(found) > 1:
        said = "; ".join(f"{sorted(one.checkpoints)[0]}: {one.trained_on}" for one in found)
        raise UserError(f"'{text}' is {len(found)} experiments; name a checkpoint: {said}.")
    return found[0]


def disagreements(comparisons: Sequence[Comparison], data_dir: Path | None) -> list[Disagreement]:
    """Where both have one right or wrong answer for every image of the test split: the images they disagree on.

    Images are named where the data set can be opened here and is the same as was measured.
    """
    opened: dict[str, Dataset | str] = {}
    found = []
    for comparison in comparisons:
        result = comparison.result
        if result is None or result.test != "McNemar":
            continue
        rows = [row for side in comparison.rows for row in side]  # McNemar's test is of one a side
        if any(row.draws for row in rows):
            continue
        right = [row.items[comparison.column.metric].values().astype(bool) for row in rows]
        dataset = _opened(rows[0], data_dir, opened)
        reason = dataset if isinstance(dataset, str) else ""
        found.append(
            Disagreement(
                comparison,
                np.flatnonzero(right[0] & ~right[1]),
                np.flatnonzero(right[1] & ~right[0]),
                None if isinstance(dataset, str) else dataset,
                reason,
            )
        )
    return found


def draw(disagreement: Disagreement, folder: Path) -> Path:
    """A sheet of the images that one model alone got right, at most ``_SHEET`` a side; returns the PNG.

    Raises UserError where the data set cannot be opened.
    """
    dataset, comparison = disagreement.dataset, disagreement.comparison
    if dataset is None:
        raise UserError(f"no pictures of {comparison.column.task}: {disagreement.reason}")
    images, captions = [], []
    for mark, rows in (("A", disagreement.first), ("B", disagreement.second)):
        shown = rows[:_SHEET].tolist()
        names = [disagreement.name(row) for row in shown]
        images += dataset.read(names, _SIDE)
        captions += [f"{mark}: {Path(name).stem}" for name in names]
    if not images:
        raise UserError(f"no pictures of {comparison.column.task}: the two agree on every image.")
    title = (
        f"{comparison.column.heading}: right by one alone\n"
        f"A: {comparison.first.name} ({len(disagreement.first)})   "
        f"B: {comparison.second.name} ({len(disagreement.second)})"
    )
    path = folder / f"{comparison.column.task.replace('/', '-')}.{comparison.column.metric}.png"
    contact_sheet.draw(images, captions, title, path)
    return path


def _opened(row: Row, data_dir: Path | None, opened: dict[str, Dataset | str]) -> Dataset | str:
    """The data set that a row was measured on, or why it cannot be had."""
    if row.dataset not in opened:
        try:
            opened[row.dataset] = catalog.open_dataset(row.dataset, data_dir)
        except UserError as error:
            opened[row.dataset] = str(error)
    found = opened[row.dataset]
    if isinstance(found, str):
        return found
    if "test" not in found.splits or found.splits["test"].fingerprint != row.fingerprints.get("test"):
        return f"the copy of {row.dataset} here is not the one that was measured"
    return found
