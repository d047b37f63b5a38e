"""A leaderboard as a folder of pages: the headline figures of one or several stores, and behind each its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from loocbench import files
from loocbench.errors import UserError
from loocbench.jobs.report import report_title
from loocbench.records import places
from loocbench.records.several import MergedRows, StoredRow
from loocbench.report.figures.suite_figures import slugify
from loocbench.report.formats import leaderboard
from loocbench.report.formats.leaderboard import LinePage
from loocbench.report.table.table import Table

MANIFEST = "site.json"  # in the folder: which of its files are the site's
INDEX = "index.html"
_LONGEST = 100  # letters of a page's name


def require_site_folder(folder: Path) -> None:
    """Raise UserError unless ``folder`` is absent, empty, or holds a site and nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; a site is a folder: name another --output.")
    there = {path.name for path in folder.iterdir()}
    if strange := sorted(there - _list_own(folder)):
        raise UserError(f"{folder} holds '{strange[0]}', which is not of a site; name a new folder as --output.")


def write_site(table: Table, merged: MergedRows, suite: str, folder: Path) -> Path:
    """Write a site as a whole in the place of ``folder``; returns the path of its first page.

    table: built from ``merged`` with all columns. Raises UserError as :func:`require_site_folder` does.
    """
    require_site_folder(folder)
    pages = list_pages(table, merged, suite)
    title = report_title(suite)
    texts = {page.name: leaderboard.render_line(table, page, merged, title, INDEX) for page in pages}
    texts[INDEX] = leaderboard.render_index(table, pages, merged, title)
    texts[MANIFEST] = json.dumps({"format": "loocbench site", "files": sorted(texts)}, indent=1) + "\n"
    with files.replacing_folder(folder) as part:
        for name, text in texts.items():
            (part / name).write_text(text, encoding="utf-8")
    return folder / INDEX


def list_pages(table: Table, merged: MergedRows, suite: str) -> list[LinePage]:
    """Return the page of each measured line, in the order of the table, with the rows as their stores hold them."""
    pages: list[LinePage] = []
    taken = {INDEX, MANIFEST}
    for line, experiment in zip(table.measured, table.experiments, strict=True):
        stem = slugify("-".join(filter(None, (line.model, line.features, line.apart))))[:_LONGEST]
        names = (f"{stem}-{number}.html" if number > 1 else f"{stem}.html" for number in count(1))
        name = next(free for free in names if free not in taken)
        taken.add(name)
        rows: list[tuple[str, StoredRow]] = []
        for row in experiment.rows:
            place = places.find_place(suite, row)
            if place is not None:
                rows.append((row.dataset_note, merged.rows[place]))
        pages.append(LinePage(name, line, tuple(rows)))
    return pages


def _list_own(folder: Path) -> set[str]:
    """Return the names of a site's files in a folder, from what the site says of itself; none if it is not one."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        named: Sequence[str] = found["files"]
        return {MANIFEST, *map(str, named)} if found["format"] == "loocbench site" else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()
