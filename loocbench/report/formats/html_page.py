"""The report as one self-contained HTML file: it loads nothing from the network or from other files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from loocbench.report.formats import html_grid, svg
from loocbench.report.formats.comparison_rows import COMPARISON_HEADINGS, format_comparisons
from loocbench.report.formats.explorer import Explorer, explorer_to_json
from loocbench.report.formats.grid import Grid, build_grids, format_cell
from loocbench.report.formats.pictures import Picture
from loocbench.report.formats.sign_rows import SIGNS_CAPTION, SIGNS_TITLE, sign_table
from loocbench.report.formats.single_file_page import render_page
from loocbench.report.table import labels
from loocbench.report.table.matrices import Matrix
from loocbench.report.table.panels import Panel
from loocbench.report.table.table import Table


def render_html(
    table: Table,
    title: str,
    *,
    profiles: Picture | None = None,
    panels: Sequence[Panel] = (),
    matrices: Sequence[Matrix] = (),
    galleries: Sequence[Picture] = (),
    galleries_left_out: str = "",
    explorers: Sequence[Explorer] = (),
    pivot: bool = False,
) -> str:
    """The HTML page: profiles, tables that sort and filter, signs, curves, heat maps, galleries, the explorer, notes.

    galleries_left_out: a sentence about galleries that are not shown, or "". pivot: tasks as rows, models as columns.
    """
    grids = build_grids(table, pivot=pivot)
    plots = {
        group: _lay_out_plots(list(members))
        for group, members in groupby(sorted(panels, key=lambda panel: panel.group), key=lambda panel: panel.group)
    }
    measured = grids[0]
    sign_headings, signs = sign_table(table.signs)
    return render_page(
        "page",
        styles=["page", "explorer"] if explorers else ["page"],
        scripts=["page", "explorer"] if explorers else ["page"],
        title=title,
        sections=_sections(table, grids, profiles, plots, matrices, galleries, explorers),
        grids=grids,
        profiles=profiles,
        pivot=pivot,
        more=0 if pivot else sum(not head.headline for head in measured.heads),
        features=sorted({line.features for line in table.measured}, key=labels.natural_key),
        groups=list(dict.fromkeys(head.group for head in measured.heads)),
        best=html_grid.best_figures(measured),
        group_spans=html_grid.group_spans,
        tooltip=html_grid.describe_cell,
        describe_line=html_grid.describe_line,
        format_cell=format_cell,
        directions={} if pivot else {column.heading: column.direction for column in table.columns},
        tests=format_comparisons(table.tests),
        test_headings=COMPARISON_HEADINGS,
        signs=signs,
        sign_headings=sign_headings,
        signs_title=SIGNS_TITLE,
        signs_caption=SIGNS_CAPTION,
        plots=list(plots.items()),
        legends={group: _legend(members) for group, members in plots.items()},
        width=svg.WIDTH,
        height=svg.HEIGHT,
        matrices=[(matrix, svg.layout_heat_maps(matrix)) for matrix in matrices],
        galleries=galleries,
        galleries_left_out=galleries_left_out,
        explorers=[explorer_to_json(one) for one in explorers],
        notes=table.notes,
    )


def _sections(
    table: Table,
    grids: Sequence[Grid],
    profiles: Picture | None,
    plots: Mapping[str, Sequence[svg.Plot]],
    matrices: Sequence[Matrix],
    galleries: Sequence[Picture],
    explorers: Sequence[Explorer],
) -> list[tuple[str, str]]:
    sections = [
        ("kept", "What each model kept", profiles is not None),
        ("measured", "Measured", True),
        ("published", "Published", len(grids) > 1),
        ("tests", "Paired tests", bool(table.tests)),
        ("signs", SIGNS_TITLE, bool(table.signs)),
        ("curves", "Curves", bool(plots)),
        ("sensitivity", "What each space kept", bool(matrices)),
        ("galleries", "Nearest neighbours", bool(galleries)),
        ("explorer", "Explore neighbours", bool(explorers)),
        ("notes", "Notes", True),
    ]
    return [(name, text) for name, text, present in sections if present]


def _lay_out_plots(members: Sequence[Panel]) -> list[svg.Plot]:
    """The plots of a group; a series has one style in all of them."""
    names = list(dict.fromkeys(series.name for panel in members for series in panel.series))
    return [svg.layout_plot(panel, names) for panel in members]


def _legend(members: Sequence[svg.Plot]) -> list[svg.Trace]:
    """The legend of all plots of a group: one entry per name and style."""
    return list({(trace.name, trace.style): trace for plot in members for trace in plot.traces}.values())
