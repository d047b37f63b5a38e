"""What sets lines apart whose model and features read the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from loocbench.report.table.cells import Line


def tell_apart(lines: Sequence[Line]) -> list[Line]:
    """Return the lines; those of one model and features say in ``apart`` how their training differs."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        alike[line.model, line.features].append(place)
    out = list(lines)
    for places in alike.values():
        if len(places) > 1:
            parts = [lines[place].trained_on.split(", ") for place in places]
            common = set(parts[0]).intersection(*parts[1:])
            for place, own in zip(places, parts, strict=True):
                out[place] = replace(lines[place], apart=", ".join(part for part in own if part not in common))
    return out
