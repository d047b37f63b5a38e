"""What a site asks of its jobs: one TOML file, given with --site. There are no defaults of any site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from loocbench.errors import UserError
from loocbench.executors.job import Needs
from loocbench.toml_files import read_card
from loocbench.types import Frozen


class SlurmSite(Frozen):
    """Options of ``sbatch`` that depend on the site.

    partition, account, qos: as sbatch's. minutes: the longest time limit that is allowed; jobs that need longer are
    continued. signal_seconds: how long before the time limit a job saves its state. modules: loaded by ``module load``.
    setup: shell lines before each job. container: an image for ``srun --container-image`` (the pyxis plug-in). sbatch:
    further options, one each. python: the interpreter on the nodes; default this one's path. requeues: how often a
    job that reached its time limit is continued.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    signal_seconds: Annotated[int, Field(ge=1)] = 90
    modules: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    container: str | None = None
    sbatch: tuple[str, ...] = ()
    python: str | None = None
    requeues: Annotated[int, Field(ge=0)] = 100


class RaySite(Frozen):
    """How Ray is reached. address: of a cluster, or "auto" for the one that this machine belongs to; None: a new one
    on this machine alone."""

    address: str | None = None


class Site(Frozen):
    """A site's file. pretrain, measure: needs that replace the suite's."""

    pretrain: dict[str, Any] = Field(default_factory=dict)
    measure: dict[str, Any] = Field(default_factory=dict)
    slurm: SlurmSite = SlurmSite()
    ray: RaySite = RaySite()


def read_site(path: Path | None) -> Site:
    """Return a site's file; without a path, what needs none. Raises UserError for an invalid file."""
    if path is None:
        return Site()
    site = read_card(path, Site)
    for section in (site.pretrain, site.measure):
        if strange := section.keys() - Needs.model_fields.keys():
            raise UserError(f"card {path}: unknown need '{min(strange)}'; use {', '.join(Needs.model_fields)}.")
    return site
