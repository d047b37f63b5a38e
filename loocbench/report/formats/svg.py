"""Coordinates of the inline SVG plots and heat maps that the HTML page's template draws.

Series differ in colour (Okabe and Ito's palette, safe for colour-blind people), dashes and markers: six shapes, filled
and open. A series has one style in all plots of a group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loocbench.report.table.labels import format_number, format_percent
from loocbench.report.table.matrices import MATRIX_METRICS, Matrix
from loocbench.report.table.panels import Panel

WIDTH, HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 10, 40
STYLES = 12  # classes s0 .. s11 of the page's style sheet
_DASHES = ("", "6 3", "2 2", "8 3 2 3", "8 2 2 2 2 2")
_FIELD_WIDTH, _FIELD_HEIGHT = 70, 24


@dataclass(frozen=True)
class Tick:
    """An axis tick: its coordinate and its label."""

    at: float
    text: str


@dataclass(frozen=True)
class Trace:
    """One curve in coordinates. path: "x,y x,y ..."; marks: (x, y, low, high, tooltip) per point."""

    name: str
    style: int
    dash: str
    path: str
    marks: tuple[tuple[float, float, float, float, str], ...]


@dataclass(frozen=True)
class Plot:
    """A panel in coordinates of a WIDTH x HEIGHT picture. chance: y coordinate of the chance level, if known."""

    panel: Panel
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    traces: tuple[Trace, ...]
    chance: float | None

    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM


def layout_plot(panel: Panel, names: Sequence[str] = ()) -> Plot:
    """Lay out a panel; y ranges over the panel's own values, widened to whole tenths.

    names: of all series of the plots that share a legend, in order; default the panel's own.
    """
    names = names or [series.name for series in panel.series]
    points = [point for series in panel.series for point in series.points]
    levels = [point[2] for point in points] + ([] if panel.chance is None else [panel.chance])
    low = math.floor(10 * max(min(levels), -1)) / 10
    high = math.ceil(10 * min(max(point[3] for point in points), 1)) / 10
    high = high if high > low else low + 0.1
    places = sorted({point[0] for point in points})
    logarithmic = panel.logarithmic and places[0] > 0
    scale = math.log10 if logarithmic else float
    first, last = scale(places[0]), scale(places[-1])

    def across(x: float) -> float:
        share = (scale(x) - first) / (last - first) if last > first else 0.5
        return round(_LEFT + 8 + share * (WIDTH - _LEFT - _RIGHT - 16), 1)

    def up(y: float) -> float:
        share = (min(max(y, low), high) - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    traces = []
    for series in panel.series:
        number = names.index(series.name)
        marks = tuple(
            (across(x), up(y), up(bottom), up(top), f"{series.name}: {format_percent(y)} at {x:g}")
            for x, y, bottom, top in series.points
        )
        path = " ".join(f"{x},{y}" for x, y, *_ in marks)
        traces.append(Trace(series.name, number % STYLES, _DASHES[number % len(_DASHES)], path, marks))
    steps = max(1, round((high - low) * 10 / 5))
    count = round((high - low) * 10)
    ys = tuple(Tick(up(low + step / 10), f"{100 * (low + step / 10):.0f}") for step in range(0, count + 1, steps))
    return Plot(
        panel,
        _drop_overlapping([Tick(across(x), f"{x:g}") for x in places]),
        ys,
        tuple(traces),
        None if panel.chance is None else up(panel.chance),
    )


def _drop_overlapping(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """The ticks without those whose labels would overlap."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or tick.at - kept[-1].at > 5.5 * (len(tick.text) + len(kept[-1].text)) / 2 + 6:
            kept.append(tick)
    return tuple(kept)


@dataclass(frozen=True)
class Field:
    """One value of a heat map. light: whether its text is light; text: the value; tooltip: value and interval."""

    x: float
    y: float
    color: str
    light: bool
    text: str
    tooltip: str


@dataclass(frozen=True)
class HeatMap:
    """One metric of a matrix in coordinates."""

    title: str
    width: float
    height: float
    columns: tuple[Tick, ...]
    rows: tuple[Tick, ...]
    fields: tuple[Field, ...]

    field_width, field_height = _FIELD_WIDTH, _FIELD_HEIGHT


def layout_heat_maps(matrix: Matrix) -> list[HeatMap]:
    """Lay out a heat map per metric of a matrix; larger values are darker."""
    left = 14 + 6.6 * max(len(row.features) for row in matrix.rows)
    return [_layout_heat_map(matrix, metric, *panel, left) for metric, panel in MATRIX_METRICS.items()]


def _layout_heat_map(matrix: Matrix, metric: str, title: str, low: float, high: float, left: float) -> HeatMap:
    fields = []
    for down, row in enumerate(matrix.rows):
        for across, change in enumerate(matrix.changes):
            found = row.metrics.get(f"{change}_{metric}")
            if found is None:
                continue
            share = min(max((found.value - low) / (high - low), 0.0), 1.0)
            fields.append(
                Field(
                    round(left + across * _FIELD_WIDTH, 1),
                    30 + down * _FIELD_HEIGHT,
                    _blue(share),
                    share > 0.55,
                    format_number(found.value, 2),
                    f"{row.features}, {change}: {format_number(found.value, 3)} "
                    f"({format_number(found.low, 3)} to {format_number(found.high, 3)})",
                )
            )
    columns = tuple(
        Tick(round(left + (place + 0.5) * _FIELD_WIDTH, 1), change.replace("_", " "))
        for place, change in enumerate(matrix.changes)
    )
    rows = tuple(Tick(30 + (place + 0.5) * _FIELD_HEIGHT, row.features) for place, row in enumerate(matrix.rows))
    width = round(left + len(matrix.changes) * _FIELD_WIDTH + 8, 1)
    return HeatMap(title, width, 38 + len(matrix.rows) * _FIELD_HEIGHT, columns, rows, tuple(fields))


def _blue(share: float) -> str:
    """A colour between white and dark blue, monotonic in greyscale too."""
    light, dark = (0xF7, 0xFB, 0xFF), (0x08, 0x30, 0x6B)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(light, dark, strict=True))
