"""Label-free signs as rows of text, the same in every format."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.table.labels import format_number
from loocbench.report.table.signs import Sign, SignLine, list_metrics

SIGNS_TITLE = "Label-free signs"
SIGNS_CAPTION = (
    "How many dimensions of each space are in use, of the most that there could be; no label was needed. RankMe counts "
    "directions of the features, LiDAR those in which images differ by more than their random crops do. More is not "
    "better by itself, and figures on other numbers of images or dimensions do not compare. ± is over seeds."
)
_NAMES = {"rankme": "RankMe", "lidar": "LiDAR"}


def sign_headings(lines: Sequence[SignLine]) -> list[str]:
    """Return the headings of :func:`format_signs`."""
    return [
        "Model",
        "Features",
        "Seeds",
        "Data",
        *(_NAMES.get(name, name) for name in list_metrics(lines)),
        "Images",
        "",
    ]


def format_signs(lines: Sequence[SignLine]) -> list[list[str]]:
    """Return the texts of some lines, in the order of :func:`sign_headings`."""
    metrics = list_metrics(lines)
    return [
        [
            line.model,
            line.features,
            str(line.seeds),
            line.data,
            *(_format_sign(line.signs.get(name)) for name in metrics),
            " / ".join(dict.fromkeys(f"{line.signs[name].images:,}" for name in metrics if name in line.signs)),
            line.remark,
        ]
        for line in lines
    ]


def sign_table(lines: Sequence[SignLine]) -> tuple[list[str], list[list[str]]]:
    """Return headings and texts without the column of remarks, which has no heading, where there is no remark."""
    headings, rows = sign_headings(lines), format_signs(lines)
    return (headings, rows) if any(row[-1] for row in rows) else (headings[:-1], [row[:-1] for row in rows])


def _format_sign(sign: Sign | None) -> str:
    """ "12.3 of 128", "12.3 ± 0.4 of 128"."""
    if sign is None:
        return "–"
    spread = f" ± {format_number(sign.cell.spread or 0.0, 1)}" if sign.cell.seeds > 1 else ""
    most = "" if sign.most is None else f" of {sign.most:,.0f}"
    return f"{format_number(sign.cell.value, 1)}{spread}{most}"
