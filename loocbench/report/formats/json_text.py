"""The table as JSON, for other programs: the table's figures, fractions of 1, not shortened."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.signs import SignLine
from loocbench.report.table.table import Table


def render_json(table: Table, title: str) -> str:
    """A JSON object with title, columns, measured, scale, published, tests, signs and notes; cells are in column order.

    Signs are numbers of dimensions.
    """
    return json.dumps(
        {
            "title": title,
            "columns": [asdict(column) for column in table.columns],
            "measured": [_line(line) for line in table.measured],
            "scale": [_line(line) for line in table.scale],
            "published": [_line(line) for line in table.published],
            "tests": [_test(test) for test in table.tests],
            "signs": [_signs(line) for line in table.signs],
            "notes": list(table.notes),
        },
        ensure_ascii=False,
        indent=1,
    )


def _line(line: Line) -> dict[str, Any]:
    return {
        "model": line.model,
        "features": line.features,
        "trained_on": line.trained_on,
        "seeds": line.seeds,
        "cells": [_cell(cell) if cell else None for cell in line.cells],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    over = None if cell.low is None else cell.interval_over
    return {**asdict(cell), "near_best": cell.near_best, "interval_over": over}


def _signs(line: SignLine) -> dict[str, Any]:
    signs = {name: asdict(sign) | {"cell": _cell(sign.cell)} for name, sign in line.signs.items()}
    names = {"model": line.model, "features": line.features, "data": line.data, "seeds": line.seeds}
    return {**names, "signs": signs, "remark": line.remark}


def _test(test: Comparison) -> dict[str, Any]:
    column = test.column
    return {
        "task": column.task,
        "version": column.version,
        "metric": column.metric,
        "note": column.note,
        "first": {"model": test.first.model, "features": test.first.features, "trained_on": test.first.trained_on},
        "second": {"model": test.second.model, "features": test.second.features, "trained_on": test.second.trained_on},
        "result": asdict(test.result) if test.result else None,
        "reason": test.reason,
        "p_adjusted": test.adjusted if test.result else None,
        "significant": test.significant,
    }
