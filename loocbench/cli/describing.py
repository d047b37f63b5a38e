"""Data sets, and the findings of a check, as text lines, tables and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from loocbench.cli.listing import Heading, print_list
from loocbench.data.entry import Entry
from loocbench.data.official import count_classes
from loocbench.data.verifying import Findings
from loocbench.jobs.datasets import DatasetStatus
from loocbench.types import Dataset
from loocbench.wording import count_of

_SHOWN = 20  # damaged files and repeated images that are printed; --json has all


def print_catalog(console: Console, statuses: list[DatasetStatus]) -> None:
    """Print the catalog as a table, one row per data set."""
    headings = [Heading("data set"), Heading("here"), Heading("images", right=True), Heading("classes", right=True)]
    headings += [Heading("official lists", spare=3), Heading("download", right=True), Heading("source", spare=2)]
    headings += [Heading("licence", spare=1)]
    lines = (
        [
            one.entry.name,
            one.state,
            _format_count(one.entry.official.images),
            _format_count(one.entry.official.classes),
            " / ".join(_format_count(part.images) for part in one.entry.official.parts),
            _format_download(one.entry),
            (urlsplit(one.entry.source.homepage).hostname or one.entry.source.homepage).removeprefix("www."),
            one.entry.source.licence,
        ]
        for one in statuses
    )
    print_list(console, headings, lines, all_by="--json has all")


def catalog_to_json(statuses: list[DatasetStatus]) -> list[dict[str, Any]]:
    """Return the catalog as JSON values; sizes in bytes, 0 if unknown or not downloaded."""
    return [
        {
            "name": one.entry.name,
            "title": one.entry.title,
            "state": one.state,
            "reason": one.reason,
            "images": one.entry.official.images,
            "classes": one.entry.official.classes,
            "official_lists": {part.name: part.images for part in one.entry.official.parts},
            "labels": one.entry.labels,
            "download_bytes": one.entry.source.size,
            "source": one.entry.source.homepage,
            "licence": one.entry.source.licence,
            "terms": one.entry.source.terms,
        }
        for one in statuses
    ]


def make_split_table(dataset: Dataset, findings: Findings | None) -> Table:
    """Return a table of splits: sizes, classes, fingerprints and, with findings, whether they are official."""
    table = Table()
    statuses = findings.fingerprints if findings else {}
    compared = set(statuses.values()) - {"not recorded"}
    for heading in ("split", "images", "classes", "fingerprint", *(["it is"] if compared else [])):
        side: Literal["left", "right"] = "right" if heading in ("images", "classes") else "left"
        table.add_column(heading, justify=side, overflow="fold")
    for name, split in dataset.splits.items():
        classes = len(set(next(iter(split.labels.values())).tolist()))
        status = [statuses[name]] if compared else []
        table.add_row(name, f"{len(split):,}", f"{classes:,}", split.fingerprint[:16], *status)
    return table


def dataset_to_json(dataset: Dataset, entry: Entry | None) -> dict[str, Any]:
    """Return an opened data set as JSON values."""
    return {
        "name": dataset.name,
        "note": dataset.note,
        "classes": count_classes(dataset),
        "splits": {name: len(split) for name, split in dataset.splits.items()},
        "fingerprints": {name: split.fingerprint for name, split in dataset.splits.items()},
        "edition": dataset.edition(),
        "remarks": dataset.remarks,
        "official_lists": {part.name: part.images for part in entry.official.parts} if entry else {},
        "source": entry.source.homepage if entry else "",
        "licence": entry.source.licence if entry else "",
    }


def findings_to_json(findings: Findings) -> dict[str, Any]:
    """Return the findings of a check as JSON values."""
    return {"sound": findings.sound, **asdict(findings)}


def list_findings(dataset: Dataset, entry: Entry | None, findings: Findings) -> Iterator[str]:
    """Yield the findings of a check as lines of text."""
    yield f"This copy: {describe_copy(dataset, entry)}."
    if entry and entry.official.known and "not recorded" in findings.fingerprints.values():
        yield "No fingerprint of a complete official copy is recorded for it: counts were compared, not names."
    yield f"{count_of(findings.images, 'image')} decoded, {len(findings.damaged):,} of them damaged."
    yield from _shorten_list([f"  {reason}" for reason in findings.damaged.values()])
    yield from _shorten_list([f"mismatch: {line}" for line in findings.mismatches])
    if findings.across_splits:
        yield f"{len(findings.across_splits):,} images are in more than one split, byte for byte:"
        yield from _shorten_list([f"  {', '.join(group)}" for group in findings.across_splits])


def describe_copy(dataset: Dataset, entry: Entry | None) -> str:
    """Return a phrase on how this copy compares with the official one."""
    if entry is None:
        return "your own folder"
    if not entry.official.known:
        return dataset.note or "not compared: its official numbers are not recorded"
    return dataset.note or "the official one"


def _shorten_list(lines: list[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  … and {len(lines) - _SHOWN:,} more (--json lists all)"


def _format_count(number: int) -> str:
    return f"{number:,}" if number else "–"


def _format_download(entry: Entry) -> str:
    size = entry.source.size
    if not size:
        return "by torchvision" if entry.fetch else "by hand" if entry.folders else "–"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
