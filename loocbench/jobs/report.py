"""From the store to the written table."""

from __future__ import annotations

from pathlib import Path

from loocbench import files
from loocbench.errors import UserError
from loocbench.records import frame, store
from loocbench.report import markdown, table
from loocbench.types import Row
from loocbench.watching import Watcher


def report(
    results: Path, suite: str, *, every_metric: bool, output: Path | None, watcher: Watcher
) -> tuple[table.Table, Path]:
    """Build the table of a suite's rows; write it as Markdown, and beside it every figure as CSV.

    Torn or foreign files are named and passed over. Raises UserError when there is no row.
    """
    rows: list[Row] = []
    for found in store.rows(results, suite):
        if isinstance(found, Row):
            rows.append(found)
        else:
            watcher.say(f"passed over {found.path}: {found.reason}")
    if not rows:
        raise UserError(f"no measured rows in {results / suite}; measure with 'loocbench probe', or name a --suite.")
    built = table.build(rows, every_metric=every_metric)
    path = output or results / suite / "table.md"
    files.write_text(path.with_suffix(".csv"), frame.to_frame(rows).to_csv(index=False))
    files.write_text(path, markdown.render(built, f"Results: {suite}"))
    return built, path
