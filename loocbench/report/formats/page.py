"""A report as one HTML file that needs nothing else: no network, no other file, no code but its own.

Everything from rows is escaped by the template; the page's security policy names its own style and script by their
hashes, so nothing else could run if something slipped through.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import loocbench
from loocbench.report.figures import plots
from loocbench.report.figures.panels import Panel
from loocbench.report.formats.grid import TEST_NAMES, Grid, cell_text, comparison_rows, grids
from loocbench.report.table import labels
from loocbench.report.table.cells import Cell
from loocbench.report.table.matrices import Matrix
from loocbench.report.table.table import Table


@dataclass(frozen=True)
class Picture:
    """A gallery. image: of a type that browsers show, which media_type names; width, height: in pixels."""

    title: str
    image: bytes
    media_type: str
    width: int
    height: int

    @property
    def data(self) -> str:
        """The image as an address that holds it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.image).decode('ascii')}"


def render(
    table: Table,
    title: str,
    *,
    panels: Sequence[Panel] = (),
    matrices: Sequence[Matrix] = (),
    galleries: Sequence[Picture] = (),
    galleries_left_out: str = "",
    pivot: bool = False,
) -> str:
    """The page: tables that sort and filter, curves, heat maps, galleries, notes."""
    style, script = _part("page.css"), _part("page.js")
    found = grids(table, pivot=pivot)
    drawn = {
        group: [plots.plot(panel) for panel in members]
        for group, members in groupby(sorted(panels, key=lambda panel: panel.group), key=lambda panel: panel.group)
    }
    environment = Environment(
        loader=PackageLoader("loocbench.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    measured = found[0]
    return environment.get_template("page.html.jinja").render(
        title=title,
        version=loocbench.__version__,
        style=Markup(style),  # our own files, not rows
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        sections=_sections(table, found, drawn, matrices, galleries),
        grids=found,
        pivot=pivot,
        features=sorted({line.features for line in table.measured}),
        groups=list(dict.fromkeys(head.group for head in measured.heads)),
        spans=_spans,
        says=_says,
        cell_text=cell_text,
        directions={} if pivot else {column.heading: column.direction for column in table.columns},
        tests=comparison_rows(table.tests),
        test_names=TEST_NAMES,
        plots=list(drawn.items()),
        keys={group: _keys(members) for group, members in drawn.items()},
        width=plots.WIDTH,
        height=plots.HEIGHT,
        matrices=[(matrix, plots.heat_maps(matrix)) for matrix in matrices],
        galleries=galleries,
        galleries_left_out=galleries_left_out,
        notes=table.notes,
    )


def _part(name: str) -> str:
    return resources.files("loocbench.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _sections(
    table: Table,
    found: Sequence[Grid],
    drawn: Mapping[str, Sequence[plots.Plot]],
    matrices: Sequence[Matrix],
    galleries: Sequence[Picture],
) -> list[tuple[str, str]]:
    every = [
        ("measured", "Measured", True),
        ("published", "Published", len(found) > 1),
        ("tests", "Paired tests", bool(table.tests)),
        ("curves", "Curves", bool(drawn)),
        ("sensitivity", "What each space kept", bool(matrices)),
        ("galleries", "Nearest neighbours", bool(galleries)),
        ("notes", "Notes", True),
    ]
    return [(name, text) for name, text, there in every if there]


def _spans(grid: Grid) -> list[tuple[str, int]]:
    """Groups of columns with how many they span."""
    return [(group, len(list(members))) for group, members in groupby(grid.heads, key=lambda head: head.group)]


def _keys(members: Sequence[plots.Plot]) -> list[plots.Trace]:
    """One entry a name and style, for all plots of a group together."""
    return list({(trace.name, trace.style): trace for plot in members for trace in plot.traces}.values())


def _says(cell: Cell) -> str:
    """What a figure's tooltip tells."""
    parts = [f"{100 * cell.value:.2f} %"]
    if cell.low is not None and cell.high is not None:
        parts.append(f"95 % interval {labels.percent(cell.low)} to {labels.percent(cell.high)}")
    if cell.sd is not None:
        parts.append(f"standard deviation {labels.percent(cell.sd)} over {cell.seeds} seeds")
    if cell.n is not None:
        parts.append(f"{cell.n:,} items")
    return "; ".join(parts)
