"""What recognising an architecture gives."""

from __future__ import annotations

from dataclasses import dataclass

from loocbench.types import Architecture


@dataclass(frozen=True)
class Found:
    """An architecture, and what of it the file does not say and was taken for granted."""

    architecture: Architecture
    assumed: tuple[str, ...] = ()
