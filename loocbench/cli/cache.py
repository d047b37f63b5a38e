"""``loocbench cache ls | prune``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.cache.pruning import Entry

app = typer.Typer(no_args_is_help=True, help="Decoded images and features on this machine: list them, clear them up.")


@app.command("ls")
def ls(cache: o.Cache = None, json: o.Json = False) -> None:
    """List decoded images and features: what they are of, how large, when last used."""
    from loocbench.cache import pruning

    where = _where(cache)
    entries = pruning.find(where)
    if json:
        _print_json(entries)
        return
    _print_table(entries)
    total = pruning.readable(sum(entry.size for entry in entries))
    _say(f"{len(entries)} entries, {total} in {where}")


@app.command("prune")
def prune(
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Remove what was not used for so long: 12h, 30d, 2w.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="Remove what was not used for longest until so much is left: 50GB."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    cache: o.Cache = None,
    json: o.Json = False,
) -> None:
    """Remove what killed processes left half-written, and what the options say. What is in use stays."""
    from loocbench.cache import pruning

    where = _where(cache)
    span = None if older_than is None else pruning.span_of(older_than, "--older-than")
    size = None if max_size is None else pruning.size_of(max_size, "--max-size")
    chosen = pruning.choose(pruning.find(where), older_than=span, max_size=size)
    gone = chosen if dry_run else [entry for entry in chosen if pruning.remove(entry)]
    if json:
        _print_json(gone)
        return
    if gone:
        _print_table(gone)
    total = pruning.readable(sum(entry.size for entry in gone))
    _say(f"{'would remove' if dry_run else 'removed'} {len(gone)} entries, {total}, in {where}")
    if len(gone) < len(chosen):
        _say(f"{len(chosen) - len(gone)} stay: another process began to use them")


def _where(cache: Path | None) -> Path:
    from loocbench.data import prepared

    return cache or prepared.cache_dir()


def _say(line: str) -> None:
    from loocbench.cli.console import stdout

    stdout().print(line, highlight=False, soft_wrap=True, markup=False)


def _print_table(entries: Sequence[Entry]) -> None:
    import datetime

    from rich.table import Table
    from rich.text import Text

    from loocbench.cache import pruning
    from loocbench.cli.console import stdout

    table = Table()
    for heading in ("kind", "of", "size", "last used", "state"):
        table.add_column(
            heading, justify="right" if heading == "size" else "left", overflow="fold", no_wrap=heading == "size"
        )
    for entry in entries:
        day = datetime.datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d")
        table.add_row(entry.kind, Text(entry.described), pruning.readable(entry.size), day, entry.state)
    stdout().print(table)


def _print_json(entries: Sequence[Entry]) -> None:
    import json

    rows = [
        {"kind": entry.kind, "path": str(entry.path), "bytes": entry.size, "used": entry.used, "state": entry.state}
        | {"about": entry.about}
        for entry in entries
    ]
    print(json.dumps({"entries": rows}))
