"""A job: a piece of a suite that one process (or several that train together) can do, and what it needs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from loocbench.types import Frozen

_LONGEST_NAME = 120  # characters of a job's name, which is a folder's


class Needs(Frozen):
    """What a job needs of a machine.

    processes: that train together, each on a GPU of its own. nodes: machines that they are spread over, as many on
    each. gpus: of all processes; a share below 1 where several jobs may be on one GPU. cores, memory_gib: of all
    processes. minutes: the time after which a scheduler may stop it; it is continued then. None: the scheduler's
    default.
    """

    processes: Annotated[int, Field(ge=1)] = 1
    nodes: Annotated[int, Field(ge=1)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0.0
    cores: Annotated[int, Field(ge=1)] = 2
    memory_gib: Annotated[float, Field(gt=0)] = 8.0
    minutes: Annotated[float, Field(gt=0)] | None = None


@dataclass(frozen=True)
class Job:
    """A node of the graph. after: names of jobs that must be done before. kind: jobs of one kind do alike things.

    minutes: how long it is expected to take; None where nothing like it was measured.
    """

    name: str
    title: str
    kind: str
    needs: Needs
    after: tuple[str, ...] = ()
    minutes: float | None = None


def job_name(*parts: str) -> str:
    """Return a name that can be a folder's: the parts joined by dots, shortened by a hash where it would be long."""
    clean = ".".join(re.sub(r"[^\w+-]+", "-", part).strip("-") for part in parts)
    if len(clean) <= _LONGEST_NAME:
        return clean
    return f"{clean[: _LONGEST_NAME - 9]}-{hashlib.sha256(clean.encode()).hexdigest()[:8]}"
