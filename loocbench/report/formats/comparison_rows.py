"""Paired tests as rows of text, the same in every format."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.table import labels
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.paired_tests import PairedResult

COMPARISON_HEADINGS = ("Task", "First", "Second", "Difference", "95 % interval", "Test", "p", "p (Holm)", "")


def format_comparisons(tests: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """Texts of paired tests, one row per test, in the order of ``COMPARISON_HEADINGS``."""
    rows: list[tuple[str, ...]] = []
    for test in tests:
        first, second = _experiment_names(test)
        result = test.result
        if result is None:
            rows.append((test.column.heading, first, second, "–", "–", test.reason, "–", "–", ""))
            continue
        low, high = (labels.format_percent(bound, signed=True) for bound in (result.low, result.high))
        rows.append(
            (
                test.column.heading,
                first,
                second,
                labels.format_percent(result.difference, signed=True),
                f"{low} to {high}",
                f"{result.test}{_item_counts(result)}{_seed_counts(result)}",
                labels.format_p_value(result.p),
                labels.format_p_value(test.adjusted),
                test.marker,
            )
        )
    return rows


def _item_counts(result: PairedResult) -> str:
    if result.test != "McNemar":
        return ""
    return f", {result.only_first} against {result.only_second} of {result.n:,}"


def _seed_counts(result: PairedResult) -> str:
    first, second = result.seeds
    if first == second == 1:
        return ""
    return f", {first} seeds" if result.by_seed else f", {first} and {second} seeds, not paired"


def _experiment_names(test: Comparison) -> tuple[str, str]:
    first, second = test.first.name, test.second.name
    if first == second:
        return f"{first}, {test.first.trained_on}", f"{second}, {test.second.trained_on}"
    return first, second
