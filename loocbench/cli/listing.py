"""Lists as tables that fit the terminal: text is folded, never cut, and what matters least is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

_FRAME = 3  # characters beside each cell
_NARROWEST = 10  # characters of a column that is folded


@dataclass(frozen=True)
class Heading:
    """A column. right: numbers. spare: columns with the highest numbers are left out first where the terminal is
    narrow; 0 is never left out."""

    text: str
    right: bool = False
    spare: int = 0


def print_list(console: Console, headings: Sequence[Heading], lines: Iterable[Sequence[str]], *, all_by: str) -> None:
    """Print lines under headings. all_by: how to see columns that are left out, such as "--json"."""
    rows = [list(line) for line in lines]
    widths = [
        max([cell_len(heading.text), *(cell_len(row[place]) for row in rows)]) for place, heading in enumerate(headings)
    ]
    shown = choose_columns(headings, widths, console.width)
    table = Table()
    for place in shown:
        heading = headings[place]
        least = None if heading.right else min(widths[place], _NARROWEST)
        table.add_column(
            heading.text,
            justify="right" if heading.right else "left",
            overflow="fold",
            no_wrap=heading.right,
            min_width=widths[place] if heading.right else least,
        )
    for row in rows:
        table.add_row(*(row[place] for place in shown))
    console.print(table)
    if left_out := [heading.text for place, heading in enumerate(headings) if place not in shown]:
        console.print(f"not shown at this width: {', '.join(left_out)} ({all_by})", highlight=False, markup=False)


def choose_columns(headings: Sequence[Heading], widths: Sequence[int], available: int) -> list[int]:
    """Return the places of the columns that fit, in order; the widest content of each is ``widths``."""
    shown = list(range(len(headings)))
    while sum(widths[place] + _FRAME for place in shown) + 1 > available:
        spare = max(shown, key=lambda place: (headings[place].spare, place))
        if not headings[spare].spare:
            break
        shown.remove(spare)
    return shown
