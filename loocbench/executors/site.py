"""What a site asks of its jobs: one TOML file, given with --site. There are no defaults of any site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from loocbench.errors import UserError
from loocbench.executors.job import Needs
from loocbench.toml_files import read_card
from loocbench.types import Frozen

# Options that say which jobs there are and where they print: the executor's own.
_OWN = ("array", "dependency", "error", "job-name", "no-requeue", "output", "parsable", "signal", "test-only", "wait")


class SlurmSite(Frozen):
    """Options of ``sbatch`` that depend on the site.

    partition, account, qos: as sbatch's. minutes: the longest time limit that is allowed; jobs that need longer are
    continued. signal_seconds: how long before the time limit a job saves its state. gres: how GPUs are asked for, such
    as ``gpu:a100``, where ``--gpus-per-node`` does not do. modules: loaded by ``module load``. setup: shell lines
    before each job. container: an image for ``srun --container-image`` (the pyxis plug-in). sbatch, srun: further
    options of these commands, one each. python: the interpreter on the nodes; default this one's path. requeues: how
    often a job that reached its time limit is continued. array: the most jobs of one array; 1 for no arrays.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    signal_seconds: Annotated[int, Field(ge=1)] = 90
    gres: str | None = None
    modules: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    container: str | None = None
    sbatch: tuple[str, ...] = ()
    srun: tuple[str, ...] = ()
    python: str | None = None
    requeues: Annotated[int, Field(ge=0)] = 100
    array: Annotated[int, Field(ge=1)] = 1000

    @field_validator("sbatch", "srun")
    @classmethod
    def _check_options(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        for option in options:
            if not option.startswith("--"):
                raise ValueError(f"'{option}' is not a long option, such as --constraint=a100")
            if option[2:].split("=")[0] in _OWN:
                raise ValueError(f"'{option}' is loocbench's own to say")
        return options


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
