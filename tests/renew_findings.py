"""Renew the tables of docs/findings.md after rows changed: ``python -m tests.renew_findings``.

Each table of the page follows the command that prints it; the prose between is left as it is.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "findings.md"
COMMAND = "loocbench report "
FENCE = "```"
PUBLISHED = "| Model | Source |"


def renew(text: str, show: Callable[[list[str]], str]) -> str:
    """The page with the tables after each command as ``show`` prints them, given the command's arguments."""
    lines = text.splitlines()
    return "\n".join(_renew_lines(lines, show)) + "\n"


def _renew_lines(lines: list[str], show: Callable[[list[str]], str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line = lines[place]
        yield line
        place += 1
        if line.startswith(COMMAND):
            while lines[place] != FENCE:
                yield lines[place]
                place += 1
            yield FENCE
            place += 1
            while place < len(lines) and (not lines[place] or lines[place].startswith("|")):
                place += 1
            yield ""
            yield from _tables(show(shlex.split(line)[1:]))


def _tables(printed: str) -> Iterator[str]:
    """The tables of a report, each followed by an empty line; titles, notes and published figures are left out."""
    for block in printed.split("\n\n"):
        if block.startswith("|") and not block.startswith(PUBLISHED):
            yield from (*block.splitlines(), "")


def show_here(arguments: list[str]) -> str:
    """What loocbench prints from the committed rows."""
    command = [sys.executable, "-m", "loocbench", *arguments, "--results", str(CHECKOUT / "results")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text(encoding="utf-8"), show_here), encoding="utf-8")
