"""Rows of older schemas, brought to today's in memory. Files are never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loocbench.types import ROW_VERSION

Fields = dict[str, Any]


class NotARowError(Exception):
    """Fields that are no row which this version can read; the text says why."""


def upgraded(fields: Fields) -> Fields:
    """The fields of a row in today's schema. Raises NotARowError for a schema that is newer, or none."""
    version = fields.get("schema_version")
    if not isinstance(version, int) or version < 1:
        raise NotARowError("it is no row of loocbench")
    if version > ROW_VERSION:
        raise NotARowError(f"it is of a newer loocbench (row schema {version}; this one reads up to {ROW_VERSION})")
    for step in range(version, ROW_VERSION):
        fields = _STEPS[step](fields)
    return fields


def _from_1(fields: Fields) -> Fields:
    """2 says the network apart from the recipe, which rows of foreign checkpoints lack, and may hold single items."""
    recipe = fields.get("recipe")
    if not isinstance(recipe, dict) or not {"backbone", "image_size"} <= recipe.keys():
        raise NotARowError("its recipe names no network")
    network = {"backbone": recipe["backbone"], "image_size": recipe["image_size"]}
    return {**fields, **network, "schema_version": 2}


_STEPS: dict[int, Callable[[Fields], Fields]] = {1: _from_1}  # from a version to the next
