"""Upgrades rows of older schemas in memory; files are never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loocbench.types import ROW_VERSION

Fields = dict[str, Any]


class InvalidRowError(Exception):
    """Fields that this version cannot read as a row; the message says why."""


def upgrade_row(fields: Fields) -> Fields:
    """The fields of a row in the current schema. Raises InvalidRowError if the schema is newer or missing."""
    version = fields.get("schema_version")
    if not isinstance(version, int) or version < 1:
        raise InvalidRowError("it is not a row of loocbench")
    if version > ROW_VERSION:
        raise InvalidRowError(
            f"it was written by a newer loocbench (row schema {version}; this one reads up to {ROW_VERSION})"
        )
    for step in range(version, ROW_VERSION):
        fields = _STEPS[step](fields)
    return fields


def _from_1(fields: Fields) -> Fields:
    """Schema 2 names the network outside the recipe, which foreign checkpoints lack, and may hold single items."""
    recipe = fields.get("recipe")
    if not isinstance(recipe, dict) or not {"backbone", "image_size"} <= recipe.keys():
        raise InvalidRowError("its recipe does not name a network")
    network = {"backbone": recipe["backbone"], "image_size": recipe["image_size"]}
    return {**fields, **network, "schema_version": 2}


def _from_2(fields: Fields) -> Fields:
    """Schema 3 records the conditions of the measurement; of an older row they are unknown."""
    return {**fields, "measured_with": None, "schema_version": 3}


def _from_3(fields: Fields) -> Fields:
    """Schema 4 records the task's title; of an older row it is unknown."""
    return {**fields, "title": "", "schema_version": 4}


_STEPS: dict[int, Callable[[Fields], Fields]] = {1: _from_1, 2: _from_2, 3: _from_3}  # version -> upgrade to the next
