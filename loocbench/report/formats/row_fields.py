"""All fields of a row as names and texts, and as HTML."""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup, escape

from loocbench.types import Row

_escape_name = cache(escape)  # the same few names in every row


def list_fields(row: Row) -> list[tuple[str, str]]:
    """Return every field of a row as (name, text), those within others by "recipe.epochs"; of items their number."""
    fields = row.model_dump(mode="json", exclude={"items", "curve"})
    listed: list[tuple[str, str]] = []
    for name, value in fields.items():
        _add_fields(name, value, listed)
    listed += [(f"items.{name}", f"{items.count:,} stored") for name, items in row.items.items()]
    return [*listed, ("curve", f"{len(row.curve):,} points")] if row.curve else listed


def render_fields(row: Row) -> Markup:
    """Return every field of a row as the terms and descriptions of an HTML list, all of it escaped.

    A template would take several times as long over the fields of thousands of rows.
    """
    return Markup("".join(f"<dt>{_escape_name(name)}</dt><dd>{escape(text)}</dd>" for name, text in list_fields(row)))


def _add_fields(name: str, value: Any, listed: list[tuple[str, str]]) -> None:
    """Add a field to ``listed``, or those within it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _add_fields(f"{name}.{key}", inner, listed)
    elif isinstance(value, list):
        listed.append((name, ", ".join(map(str, value)) or "none"))
    else:
        listed.append((name, "not stated" if value in ("", None) else str(value)))
