"""Images on which two compared experiments disagree, named and drawn from the data sets on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.errors import UserError
from loocbench.jobs import measured_data
from loocbench.report.figures import contact_sheet
from loocbench.report.table import disagreements
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.disagreements import Answers, Disagreement
from loocbench.types import Dataset

_MAX_IMAGES = 32  # of each side on a contact sheet
_SHORT_SIDE = 180  # pixels, as many as the sheet shows


def open_disagreements(comparisons: Sequence[Comparison], data_dir: Path | None) -> list[Disagreement]:
    """Return the disagreements of the comparisons, with their data sets where the measured copy can be opened."""
    opened: dict[tuple[str, int], Dataset | str] = {}
    return disagreements.find_disagreements(comparisons, lambda row: measured_data.open_measured(row, data_dir, opened))


def draw_disagreement(disagreement: Disagreement, folder: Path) -> Path:
    """Draw the images that only one experiment got right, at most 32 per side, and return the PNG's path.

    Each stands below its class and what A and B took it for.

    Raises UserError if the data set cannot be opened, if its files changed, or if the two agree on every image.
    """
    dataset, comparison = disagreement.dataset, disagreement.comparison
    if dataset is None:
        raise UserError(f"no pictures of {comparison.column.task}: {disagreement.reason}")
    if not measured_data.has_measured_files(dataset, comparison.rows[0][0]):
        raise UserError(
            f"no pictures of {comparison.column.task}: the files of {dataset.name} here are not the measured ones."
        )
    images, captions = [], []
    answers = disagreements.read_answers(disagreement)
    for indices in (disagreement.first, disagreement.second):
        drawn = indices[:_MAX_IMAGES].tolist()
        images += dataset.read([disagreement.image_name(index) for index in drawn], _SHORT_SIDE)
        captions += [_caption(answers, index) for index in drawn]
    if not images:
        raise UserError(f"no pictures of {comparison.column.task}: the two agree on every image.")
    title = (
        f"{comparison.column.heading}: right by one alone\n"
        f"A: {comparison.first.name} ({_count(disagreement.first)})   "
        f"B: {comparison.second.name} ({_count(disagreement.second)})"
    )
    path = folder / f"{comparison.column.task.replace('/', '-')}.{comparison.column.metric}.png"
    contact_sheet.draw_contact_sheet(images, captions, title, path)
    return path


def _count(indices: npt.NDArray[np.int64]) -> str:
    """Say how many images a side alone got right, and how many of them are drawn if not all are."""
    more = f", of which {_MAX_IMAGES} are drawn" if len(indices) > _MAX_IMAGES else ""
    return f"{len(indices)}{more}"


def _caption(answers: Answers, index: int) -> str:
    """An image's class, and what each side took it for."""
    lines = [contact_sheet.plain_name(answers.names[answers.wanted[index]])]
    for mark, right, predicted in zip(("A", "B"), answers.right, answers.predicted, strict=True):
        if right[index]:
            lines.append(f"{mark}: right")
        elif predicted is None:
            lines.append(f"{mark}: wrong (as what was not stored)")
        else:
            lines.append(f"{mark}: {contact_sheet.plain_name(answers.names[predicted[index]])}")
    return "\n".join(lines)
