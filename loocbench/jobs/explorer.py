"""The explorer of neighbours: what rows keep, with thumbnails from the data sets on this machine. Runs no network."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loocbench.errors import UserError
from loocbench.jobs import measured_data
from loocbench.report.figures import contact_sheet
from loocbench.report.formats.explorer import THUMBNAIL, Explorer
from loocbench.report.table.columns import load_cards
from loocbench.report.table.neighbour_sets import collect_neighbours
from loocbench.report.table.table import Table
from loocbench.types import Dataset, Pixels, Row
from loocbench.wording import count_of

MOST_SPACES = 24
MOST_IMAGES = 900  # thumbnails of a page, some 2 kB each
_BATCH = 64  # images read at once


def build_explorers(table: Table, *, suite: str, data_dir: Path | None = None) -> list[Explorer]:
    """Return the explorer of each task of retrieval whose rows are in a table.

    At most ``MOST_SPACES`` spaces and ``MOST_IMAGES`` images are shown; what is left out is said.
    """
    sets = collect_neighbours(table.measured, table.experiments)
    cards = load_cards([row for one in table.experiments for row in one.rows])
    opened: dict[tuple[str, int], Dataset | str] = {}
    room = MOST_IMAGES
    explorers = []
    for found in sets:
        title = cards[found.task].title if found.task in cards else found.task
        title = f"{title} [{found.note}]" if found.note else title
        left_out = len(found.spaces) - MOST_SPACES
        notes = _describe_missing(found.missing, suite)
        if left_out > 0:
            notes.append(f"{count_of(left_out, 'more space')} not shown; filter the report to see them.")
        explorer = Explorer(title, replace(found, spaces=found.spaces[:MOST_SPACES]), (), notes=notes)
        if found.spaces:
            explorer = _choose_images(explorer, room)
            explorer = _read_images(explorer, found.spaces[0].row, data_dir, opened)
            room -= len(explorer.thumbnails)
        explorers.append(explorer)
    return explorers


def _choose_images(explorer: Explorer, room: int) -> Explorer:
    """Choose the first queries that the room for images allows, one at least; the test images are named by number."""
    spaces = explorer.found.spaces
    count = len(spaces[0].kept.queries)
    images: set[int] = set()
    shown: list[int] = []
    for place in range(count):
        own = {int(spaces[0].kept.queries[place])}
        own |= {int(row) for space in spaces for row in space.kept.nearest[place]}
        if shown and len(images | own) > room:
            break
        images |= own
        shown.append(place)
    notes = list(explorer.notes)
    if len(shown) < count:
        notes.append(f"{len(shown)} of {count} kept queries are shown, to keep the page small.")
    return replace(explorer, shown=shown, names={row: f"#{row}" for row in sorted(images)}, notes=notes)


def _read_images(
    explorer: Explorer, row: Row, data_dir: Path | None, opened: dict[tuple[str, int], Dataset | str]
) -> Explorer:
    """Add thumbnails, names and classes where the measured images are here; else say what brings them."""
    dataset = measured_data.open_measured(row, data_dir, opened)
    if not isinstance(dataset, str) and not measured_data.has_measured_files(dataset, row):
        dataset = f"the files of {row.dataset} here are not the measured ones"
    if isinstance(dataset, str):
        return _without_images(explorer, row, dataset)
    split, rows = dataset.splits["test"], sorted(explorer.names)
    if rows[-1] >= len(split):
        return _without_images(explorer, row, f"the rows name images that {row.dataset} does not have")
    try:
        thumbnails = dict(zip(rows, _read_squares(dataset, rows), strict=True))
    except (UserError, OSError) as error:
        return _without_images(explorer, row, str(error))
    captions = {
        one: [contact_sheet.plain_name(split.class_names[label][values[one]]) for label, values in split.labels.items()]
        for one in rows
    }
    names = {one: split.items[one] for one in rows}
    return replace(explorer, thumbnails=thumbnails, names=names, labels=list(split.labels), captions=captions)


def _without_images(explorer: Explorer, row: Row, reason: str) -> Explorer:
    note = (
        f"Images are numbered, since they cannot be read here: {reason.rstrip('.')}. Make the report where they are, "
        f"or bring them with 'loocbench datasets prepare {row.dataset}' and name their folder in LOOCBENCH_DATA."
    )
    return replace(explorer, notes=[*explorer.notes, note])


def _read_squares(dataset: Dataset, rows: Sequence[int]) -> list[Pixels]:
    from loocbench.data.prepared import center_square  # imports torch, which a report without images does not need

    items = [dataset.splits["test"].items[row] for row in rows]
    parts = [items[begin : begin + _BATCH] for begin in range(0, len(items), _BATCH)]
    return [center_square(image, THUMBNAIL) for part in parts for image in dataset.read(part, THUMBNAIL)]


def _describe_missing(rows: Sequence[Row], suite: str) -> list[str]:
    """Return what brings the neighbours of rows that keep none, in one line."""
    if not rows:
        return []
    row = next((one for one in rows if not one.untrained), rows[0])
    checkpoint = f"random:{row.backbone}" if row.untrained else row.checkpoint
    command = ["loocbench", "retrieve", "--checkpoint", checkpoint, "--features", row.features]
    command += ["--dataset", row.dataset, "--suite", suite, "--overwrite"]
    others = f", and likewise those of {count_of(len(rows) - 1, 'other line')}" if len(rows) > 1 else ""
    return [
        f"No neighbours are stored in the rows of {row.model}, {row.features}, which an earlier version measured. "
        f"Where its checkpoint is, this measures them{others}: {shlex.join(command)}"
    ]
