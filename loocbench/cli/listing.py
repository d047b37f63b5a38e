"""Tables that fit the terminal: text is folded, never cut, and what matters least is left out.

Columns that still do not fit beside one another are several tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loocbench.wording import longest_word

_FRAME = 3  # characters beside each cell
_NARROWEST = 10  # characters of a column that is folded


@dataclass(frozen=True)
class Heading:
    """A column. right: numbers. wraps: text of several words, which may stand below one another. spare: columns with
    the highest numbers are left out first where the terminal is narrow; 0 is never left out."""

    text: str
    right: bool = False
    spare: int = 0
    wraps: bool = False


def print_list(
    console: Console,
    headings: Sequence[Heading],
    lines: Iterable[Sequence[str]],
    *,
    all_by: str = "",
    title: str = "",
    bold_first: bool = False,
) -> None:
    """Print lines under headings. all_by: how to see columns that are left out, such as "--json".

    Columns that can neither be left out nor fit beside one another are printed in several tables, each with the first
    column. bold_first: whether the first line is the best one.
    """
    rows = [list(line) for line in lines]
    widths = [_find_width(heading, [row[place] for row in rows]) for place, heading in enumerate(headings)]
    shown = choose_columns(headings, widths, console.width)
    least = [_find_least(heading, width, console.width) for heading, width in zip(headings, widths, strict=True)]
    wanted = [
        max([cell_len(heading.text), *(cell_len(row[place]) for row in rows)]) for place, heading in enumerate(headings)
    ]
    for number, places in enumerate(split_columns(shown, least, console.width)):
        table = Table(title=Text(title) if title and not number else None, title_justify="left")
        # Names first, then text, then headings above numbers: what is short of room wraps or folds.
        order = sorted(places, key=lambda place: (headings[place].right, headings[place].wraps))
        own = share_width(order, least, wanted, console.width)
        for place in places:
            side: Literal["left", "right"] = "right" if headings[place].right else "left"
            table.add_column(Text(headings[place].text), justify=side, overflow="fold", width=own[place])
        for line, row in enumerate(rows):
            table.add_row(*(Text(row[place]) for place in places), style="bold" if bold_first and not line else None)
        console.print(table)
    if left_out := [heading.text for place, heading in enumerate(headings) if place not in shown]:
        console.print(f"not shown at this width: {', '.join(left_out)} ({all_by})", highlight=False, markup=False)


def _find_width(heading: Heading, texts: Sequence[str]) -> int:
    """The width at which nothing of a column is broken inside a word, and nothing but what may be has several lines."""
    if heading.wraps:
        return longest_word([heading.text, *texts])
    head = longest_word([heading.text]) if heading.right else cell_len(heading.text)
    return max([head, *map(cell_len, texts)])


def _find_least(heading: Heading, width: int, available: int) -> int:
    if heading.right:
        return width
    return min(width, max(_NARROWEST, available // 2) if heading.wraps else _NARROWEST)


def share_width(order: Sequence[int], least: Sequence[int], wanted: Sequence[int], available: int) -> dict[int, int]:
    """Return the width of each column: its least, and of what is left what the first ones of ``order`` want."""
    spare = available - 1 - sum(least[place] + _FRAME for place in order)
    widths = {}
    for place in order:
        more = max(0, min(wanted[place] - least[place], spare))
        widths[place] = least[place] + more
        spare -= more
    return widths


def split_columns(shown: Sequence[int], widths: Sequence[int], available: int) -> list[list[int]]:
    """Return the columns of each table: all in one, or as many as fit beside the first one, which is in all."""
    if sum(widths[place] + _FRAME for place in shown) + 1 <= available:
        return [list(shown)]
    first, *others = shown
    tables: list[list[int]] = []
    taken = available
    for place in others:
        if not tables or taken + widths[place] + _FRAME > available:
            tables.append([first])
            taken = widths[first] + _FRAME + 1
        tables[-1].append(place)
        taken += widths[place] + _FRAME
    return tables or [[first]]


def choose_columns(headings: Sequence[Heading], widths: Sequence[int], available: int) -> list[int]:
    """Return the places of the columns that fit, in order; the widest content of each is ``widths``."""
    shown = list(range(len(headings)))
    while sum(widths[place] + _FRAME for place in shown) + 1 > available:
        spare = max(shown, key=lambda place: (headings[place].spare, place))
        if not headings[spare].spare:
            break
        shown.remove(spare)
    return shown
