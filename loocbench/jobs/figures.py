"""The figures of a suite: accuracy by space, sensitivity, few-shot and strength curves, training curves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, groupby
from pathlib import Path

from loocbench.jobs import runs as standing
from loocbench.progress import Reporter
from loocbench.report.figures import axes, bars, curves, heat_map, panels
from loocbench.report.figures.saving import FORMATS
from loocbench.report.table import columns as choosing
from loocbench.report.table import matrices, selection
from loocbench.report.table.cells import Line
from loocbench.report.table.experiments import group
from loocbench.report.table.table import Options, Table
from loocbench.types import Row

Drawing = tuple[str, Callable[[list[Path]], None]]
_ABREAST = 4  # panels side by side


def draw(
    built: Table, rows: Sequence[Row], options: Options, folder: Path, *, runs: Path, reporter: Reporter
) -> list[Path]:
    """Draw all that the rows of a table give into a folder, each figure as SVG, PDF and PNG. Returns the files."""
    kept = selection.shown(rows, options.chosen)
    drawings = _numbered([*_of_rows(built, kept), *_of_runs(kept, runs)])
    written = []
    for number, (name, drawing) in enumerate(drawings):
        reporter.update("drawing", number, len(drawings))
        paths = [folder / f"{name}.{kind}" for kind in FORMATS]
        drawing(paths)
        written += paths
    reporter.update("drawing", len(drawings), len(drawings))
    return written


def _numbered(drawings: Sequence[Drawing]) -> list[Drawing]:
    """The same; of several with one name all but the first have a number behind it, so that none replaces another."""
    found: dict[str, Callable[[list[Path]], None]] = {}
    for name, drawing in drawings:
        numbers = (f"{name}-{number}" if number > 1 else name for number in count(1))
        found[next(free for free in numbers if free not in found)] = drawing
    return list(found.items())


def _of_rows(built: Table, kept: Sequence[Row]) -> Iterator[Drawing]:
    known, experiments = choosing.cards(kept), group(kept)
    by_group = groupby(enumerate(built.columns), key=lambda pair: (pair[1].group, pair[1].note))
    for (name, note), members in by_group:
        places = [place for place, _ in members]
        lines = [_only(line, places) for line in built.measured]
        columns = [built.columns[place] for place in places]
        title = f"{name} [{note}]" if note else name
        shown = [line for line in lines if any(line.cells)]
        yield f"spaces-{_slug(title)}", partial(bars.draw, columns, shown, title)
    for matrix in matrices.matrices(experiments, known):
        title = f"{matrix.title}: {matrix.model} ({matrix.trained_on})"
        name = f"sensitivity-{_slug(matrix.title)}-{_slug(matrix.model)}-{_slug(matrix.rows[0].checkpoint)}"
        yield name, partial(heat_map.draw, matrix.rows, matrix.changes, title)
    for panel in panels.few_shot(built.columns, known, built.measured):
        yield f"few-shot-{_slug(panel.group)}-{_slug(panel.title)}", partial(axes.draw, [panel])
    every = panels.curves(built.columns, known, experiments)
    for title, members_of in groupby(every, key=lambda panel: panel.title):
        shown_panels = list(members_of)
        for begin in range(0, len(shown_panels), _ABREAST):
            part = f"-{begin // _ABREAST + 1}" if len(shown_panels) > _ABREAST else ""
            yield f"curves-{_slug(title)}{part}", partial(axes.draw, shown_panels[begin : begin + _ABREAST])


def _of_runs(kept: Sequence[Row], runs: Path) -> Iterator[Drawing]:
    """Training curves of the checkpoints in the table whose runs are here."""
    hashes = {row.checkpoint_hash for row in kept}
    for one in standing.find(runs):
        if one.card.weights in hashes and one.log:
            title = f"{one.card.name}: {one.card.label} on {one.card.dataset}"
            yield f"training-{_slug(one.card.name)}", partial(curves.draw, one.log, title)


def _only(line: Line, places: Sequence[int]) -> Line:
    return replace(line, cells=tuple(line.cells[place] for place in places))


def _slug(text: str) -> str:
    """A name for a file: letters and digits, of any script; ++ stays apart from no plus."""
    return re.sub(r"[\W_]+", "-", text.lower().replace("+", "p")).strip("-") or "unnamed"
