"""``loocbench cache ls | prune``: list and remove decoded images and features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.cache.entries import Entry

app = typer.Typer(no_args_is_help=True, help="Decoded images and features on this machine: list, remove.")


@app.command("ls")
def ls(cache: o.Cache = None, as_json: o.Json = False) -> None:
    """List decoded images, features, and the rest of the cache: content, size, last use."""
    from loocbench.cache import entries, layout, units

    folder = cache or layout.cache_dir()
    found = entries.find_entries(folder)
    if as_json:
        _print_json(found)
        return
    _print_table(found)
    _print_line(f"{len(found)} entries, {units.format_size(sum(entry.size for entry in found))} in {folder}")


@app.command("prune")
def prune(
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Remove entries unused for this long: 12h, 30d, 2w.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="Remove the least recently used entries until this much is left: 50GB."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    cache: o.Cache = None,
    as_json: o.Json = False,
) -> None:
    """Remove leftovers of killed processes, and the entries that the options choose. Entries in use stay."""
    from loocbench.cache import entries, layout, pruning, units

    folder = cache or layout.cache_dir()
    seconds = None if older_than is None else units.parse_duration(older_than, "--older-than")
    size = None if max_size is None else units.parse_size(max_size, "--max-size")
    chosen = pruning.choose_entries(entries.find_entries(folder), older_than=seconds, max_size=size)
    removed = chosen if dry_run else [entry for entry in chosen if entries.remove_entry(entry)]
    if as_json:
        _print_json(removed)
        return
    if removed:
        _print_table(removed)
    total = units.format_size(sum(entry.size for entry in removed))
    _print_line(f"{'would remove' if dry_run else 'removed'} {len(removed)} entries, {total}, in {folder}")
    if len(removed) < len(chosen):
        _print_line(f"{len(chosen) - len(removed)} stay: another process began to use them")


def _print_line(line: str) -> None:
    from loocbench.cli.console import stdout

    stdout().print(line, highlight=False, soft_wrap=True, markup=False)


def _print_table(entries: Sequence[Entry]) -> None:
    """Print one line per entry, and a single line for all leftovers of ended processes."""
    import datetime

    from loocbench.cache import units
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list

    headings = [Heading("kind"), Heading("content", wraps=True), Heading("size", right=True)]
    headings += [Heading("last used", spare=1), Heading("state", spare=2)]
    lines = []
    left_over = [entry for entry in entries if entry.state == "left over"]
    for entry in entries:
        if entry.state != "left over":
            day = datetime.datetime.fromtimestamp(entry.last_used).strftime("%Y-%m-%d")
            lines.append([entry.kind, entry.title, units.format_size(entry.size), day, entry.state])
    if left_over:
        title = f"{len(left_over):,} {left_over[0].title}"
        lines.append(["", title, units.format_size(sum(entry.size for entry in left_over)), "", "left over"])
    print_list(stdout(), headings, lines, all_by="--json has all")


def _print_json(entries: Sequence[Entry]) -> None:
    import json

    rows = [
        {
            "kind": entry.kind,
            "path": str(entry.path),
            "bytes": entry.size,
            "used": entry.last_used,
            "state": entry.state,
            "about": entry.description,
        }
        for entry in entries
    ]
    print(json.dumps({"entries": rows}))
